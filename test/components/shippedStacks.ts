import { join } from "node:path";
import { utils } from "ssh2";
import { readMigrations } from "../../pipeline/prisma/migrations.js";
import { type Composed, compose } from "./program.js";
import { backup, measured, migrate, preflight, rehearsal, verify } from "./stageResults.js";

export const [client, host] = [utils.generateKeyPairSync("ed25519"), utils.generateKeyPairSync("ed25519")];
/** What only the owner of a stack knows (docs/aws.md): where it is, who comes in, and the keys that `npm run keys` makes. */
export const from = "203.0.113.7/32";
export const owner = {
  "aws:region": "eu-west-1",
  "safe-migration:connection": {
    from: [from],
    publicKey: client.public,
    privateKey: client.private,
    hostKey: host.public,
    hostPrivateKey: host.private,
  },
};
export const stacks = ["dev", "staging", "prod"] as const;
export type Stack = (typeof stacks)[number];

/** The stacks as they are shipped, each with the outputs of the one before. */
export interface Shipped {
  readonly made: Readonly<Record<Stack, Composed>>;
  /** What each stage answers. */
  readonly answers: Record<string, unknown>;
  /** Of the migrations that each has applied. */
  readonly names: readonly string[];
}

let shipped: Promise<Shipped> | undefined;

/** Composed once for all test files. */
export function shippedStacks(): Promise<Shipped> {
  return (shipped ??= composeAll());
}

async function composeAll(): Promise<Shipped> {
  const { migrations } = await readMigrations(join(__dirname, "../../prisma/migrations"));
  const refs = migrations.map(({ name, checksum }) => ({ name, checksum }));
  const answers = {
    prepare: {},
    measure: measured,
    preflight,
    backup,
    rehearse: rehearsal,
    migrate,
    verify: { ...verify, migrations: refs },
  };
  // Each takes what the one before has put into its outputs.
  const dev = await compose({ stack: "dev", owner, answers });
  const staging = await compose({ stack: "staging", owner, answers, before: { dev: dev.outputs } });
  const prod = await compose({ stack: "prod", owner, answers, before: { staging: staging.outputs } });
  return { made: { dev, staging, prod }, answers, names: refs.map(({ name }) => name) };
}
