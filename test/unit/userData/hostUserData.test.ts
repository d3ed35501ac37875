import assert from "node:assert/strict";
import {
  type DatabaseUserDataArgs,
  databaseSteps,
  databaseUserData,
  hostDatabase,
  runnerUserData,
} from "../../../components/userData/hostUserData.js";
import { largestUserData, renderScript } from "../../../components/userData/script.js";
import { hostKeySecretValue } from "../../../components/userData/steps/ssh.js";
import { waitScript } from "../../../components/userData/waitScript.js";
import { assertShellClean } from "../../support/shellcheck.js";
import { hostArguments } from "./arguments.js";

/** What the scripts do on a machine is proved by test/hosts. */
describe("user data", () => {
  const names = (args: DatabaseUserDataArgs) => databaseSteps(args).map(({ name }) => name);

  it("lets people in first, so that what fails after it can be read, and makes the database last", () => {
    assert.deepEqual(names(hostArguments), [
      "ssh",
      "packages",
      "pm2",
      "application",
      "ssm-agent",
      "data-volume",
      "postgresql",
      "database",
    ]);
  });

  it("leaves out what AWS itself serves, and only that", () => {
    const all = names(hostArguments);
    assert.deepEqual(
      names({ ...hostArguments, leaveOut: ["ssm-agent"] }),
      all.filter((name) => name !== "ssm-agent"),
    );
  });

  it("passes shellcheck: database host, its volume by device, runner host, the wait for them", function () {
    this.timeout(30_000);
    assertShellClean(this, databaseUserData(hostArguments));
    assertShellClean(this, databaseUserData({ ...hostArguments, dataVolume: { device: "/dev/sdf" } }));
    assertShellClean(this, runnerUserData(hostArguments));
    assertShellClean(this, waitScript(900));
  });

  it("fits what EC2 takes, with the longest names, and is refused where it does not", () => {
    const long = "a".repeat(50);
    const script = databaseUserData({
      ...hostArguments,
      database: { name: long, owner: long },
      authorizedKeys: Array.from({ length: 5 }, () => hostArguments.authorizedKeys[0] ?? ""),
    });
    assert.ok(Buffer.byteLength(script) <= largestUserData);
    assert.throws(() => renderScript("t", [{ name: "long", body: "x".repeat(largestUserData) }]), /EC2 takes/);
  });

  it("takes the client's public key as it is, whatever its comment holds", () => {
    const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIClient o'neil $(reboot) `x` \\";
    assert.ok(databaseUserData({ ...hostArguments, authorizedKeys: [key] }).includes(`<<'END_OF_FILE'\n${key}\n`));
  });

  it("refuses what cannot be right, naming it", () => {
    const wrong: [Partial<DatabaseUserDataArgs>, RegExp][] = [
      [{ authorizedKeys: [] }, /nobody could log in/],
      [{ authorizedKeys: ["-----BEGIN OPENSSH PRIVATE KEY-----"] }, /not an SSH public key/],
      [{ authorizedKeys: ["ssh-ed25519 AAAA x\nssh-ed25519 BBBB"] }, /not an SSH public key/],
      [{ dataVolume: { volumeId: "vol-1; reboot" } }, /no id of a volume/],
      [{ dataVolume: { device: "sdf" } }, /no block device/],
      [{ database: { name: 'a"b', owner: "b" } }, /no name of a database/],
      [{ database: { name: "a", owner: "pipeline" } }, /cannot be "pipeline"/],
      [{ environment: "a b" }, /no name of an environment/],
      [{ hostKey: { ...hostArguments.hostKey, secretId: "a'b" } }, /names no secret/],
      [{ machine: { memoryMiB: 128, vcpus: 2 } }, /too small/],
    ];
    for (const [change, message] of wrong) {
      assert.throws(() => databaseUserData({ ...hostArguments, ...change }), message);
    }
  });

  it("holds the private host key only as the place where it is", () => {
    const value = hostKeySecretValue("-----BEGIN OPENSSH PRIVATE KEY-----\n");
    assert.match(value, /^[A-Za-z0-9+/]+=*$/);
    assert.doesNotMatch(databaseUserData(hostArguments), /PRIVATE KEY/);
  });

  it("reaches the database over the Unix socket, by who it is", () => {
    assert.deepEqual(hostDatabase({ name: "shop", owner: "shop_app", schema: "sales" }), {
      host: "/var/run/postgresql",
      port: 5432,
      name: "shop",
      user: "pipeline",
      password: { from: "none" },
      migrateAs: "shop_app",
      schema: "sales",
    });
  });
});
