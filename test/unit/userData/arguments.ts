import type { DatabaseUserDataArgs } from "../../../components/userData/hostUserData.js";

/** What a host is set up from in these tests. */
export const hostArguments: DatabaseUserDataArgs = {
  environment: "staging",
  authorizedKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIClient pipeline of staging"],
  hostKey: {
    secretId: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:staging-host-key-AbCdEf",
    publicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHost",
    region: "eu-west-1",
  },
  database: { name: "happy_baby_style", owner: "happy_baby_style" },
  dataVolume: { volumeId: "vol-0123456789abcdef0" },
  machine: { memoryMiB: 2048, vcpus: 2 },
};
