import { z } from "zod";
import { databaseSchema, projectSchema } from "./database.js";
import { settingsSchema } from "./settings.js";

/** A name that is safe as a folder, and as part of a database name. */
const runId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, "letters, digits, - and _ only");

/** What every stage is told. */
export const stageRequest = z.strictObject({
  /** Name of the environment: `local`, `dev`, `staging`, `prod`. */
  environment: z.string().min(1),
  /** Identifies this run; the name of its folder in the store. */
  run: runId,
  database: databaseSchema,
  project: projectSchema,
  /** The backup store, as a URL: `file:///…` or `s3://bucket/prefix?region=…`. */
  store: z.url({ protocol: /^(file|s3)$/ }),
  settings: settingsSchema,
});
export type StageRequest = z.infer<typeof stageRequest>;

/** Fields of every result. */
export const resultFields = {
  run: z.string(),
  environment: z.string(),
  at: z.iso.datetime(),
  durationMs: z.int().min(0),
};
