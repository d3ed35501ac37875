import { createHash } from "node:crypto";
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { type MigrationRef, migrationRef, tableSizes, windowOverride } from "../pipeline/contracts.js";

/** What the stack's last successful update recorded in its outputs. */
const lastRunSchema = z.object({
  run: z.string(),
  /** The stack's name then; absent in outputs of earlier versions. */
  environment: z.string().optional(),
  /** Hash of the migrations and the schema that were verified. */
  key: z.string(),
  migrations: z.array(migrationRef),
  /** The biggest tables then; absent in outputs of earlier versions. */
  tables: tableSizes.optional(),
  /** Major version of the server; absent in outputs of earlier versions. */
  postgresMajor: z.int().optional(),
  /** Kind of the database, region of what is on AWS, and the major version that RDS was asked for; absent in outputs of earlier versions. */
  place: z.object({ kind: z.string(), region: z.string().optional(), major: z.int().optional() }).optional(),
  /** URL of the store; absent in outputs of earlier versions. */
  store: z.string().optional(),
  /** The word by which that run was not held to the maintenance window. */
  now: windowOverride.optional(),
});
export type LastRun = z.infer<typeof lastRunSchema>;

/** The output under which {@link LastRun} is recorded. */
export const lastRunOutput = "lastRun";

/**
 * The record in a stack's output; `undefined` where there is none. It holds no secret, but may be marked as one: what a Command
 * on a host prints may be as secret as the key that it connects with.
 */
export function parseLastRun({ value, secretValue }: pulumi.StackReferenceOutputDetails): LastRun | undefined {
  const parsed = lastRunSchema.safeParse(value ?? secretValue);
  return parsed.success ? parsed.data : undefined;
}

/** The migrations of the folder that the last run did not record as applied, an edited one among them. */
export function pendingSince(last: LastRun | undefined, folder: readonly MigrationRef[]): MigrationRef[] {
  const known = new Set(last?.migrations.map(({ name, checksum }) => `${name} ${checksum}`));
  return folder.filter(({ name, checksum }) => !known.has(`${name} ${checksum}`));
}

/** Hash over what a run migrates to: migrations in order, and the schema's files. */
export function runKey(
  migrations: readonly MigrationRef[],
  schema: readonly { path: string; content: string }[],
): string {
  const hash = createHash("sha256");
  for (const { name, checksum } of migrations) hash.update(`${name} ${checksum}\n`);
  for (const { path, content } of schema)
    hash.update(`${path} ${createHash("sha256").update(content).digest("hex")}\n`);
  return hash.digest("hex");
}

/**
 * The run of this update: a new one, or the last one again where nothing is to be done.
 *
 * With `onChange` the last run is kept while migrations and schema are those that it verified: its requests are then equal
 * to those in the state, and no Command runs. After a failed update the outputs still hold the run before, so the next
 * update with the same change is a new run from its beginning, with a new backup.
 */
export function chooseRun(mode: "always" | "onChange", last: LastRun | undefined, key: string, fresh: string): string {
  return mode === "onChange" && last?.key === key ? last.run : fresh;
}
