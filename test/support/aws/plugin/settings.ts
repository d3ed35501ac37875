import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Schema } from "../schema.js";

/** The variable that names the file of {@link Settings}. */
export const settingsVariable = "SAFE_MIGRATION_AWS_STAND_IN";

/** What the stand-in is told by the test that uses it. */
export interface Settings {
  /** What the inputs are held to. */
  readonly schema: Schema;
  /** By type, what takes the place of what the model answers: where the machines and databases of the test are. */
  readonly outputs: Readonly<Record<string, Readonly<Record<string, string | number>>>>;
  /** Whether the owner has taken the protection off what is to be deleted, beside Pulumi. */
  readonly unprotected: boolean;
  /** The password of an RDS's administrator, which goes into its secret and nowhere else. */
  readonly masterPassword: string;
}

const shape = z.object({
  schema: z.custom<Schema>((value) => typeof value === "object" && value !== null && "resources" in value),
  outputs: z.record(z.string(), z.record(z.string(), z.union([z.string(), z.number()]))),
  unprotected: z.boolean(),
  masterPassword: z.string(),
});

/** @throws Error where the test named no file, or one that is none. */
export function readSettings(): Settings {
  const path = process.env[settingsVariable];
  if (path === undefined) throw new Error(`${settingsVariable} names no file`);
  return shape.parse(JSON.parse(readFileSync(path, "utf8")));
}
