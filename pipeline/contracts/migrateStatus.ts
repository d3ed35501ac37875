import { z } from "zod";
import { resultFields } from "./request.js";

/** One migration, as it is shown. */
export const statusLine = z.strictObject({
  name: z.string(),
  state: z.string(),
  /** When and why. */
  detail: z.string(),
  /** Must be put right before anything is applied. */
  wrong: z.boolean(),
});
export type StatusLine = z.infer<typeof statusLine>;

export const migrateStatus = z.strictObject({
  database: z.string(),
  /** Host and port, as seen from where it was asked. */
  at: z.string(),
  /** Folder of the migrations. */
  migrations: z.string(),
  lines: z.array(statusLine),
  pending: z.int(),
  /** How many things must be put right first, drift among them. */
  wrong: z.int(),
  /** Absent where it was not looked for, since the folder is not what was applied. */
  drift: z.strictObject({ drifted: z.boolean(), summary: z.string() }).optional(),
});
export type MigrateStatus = z.infer<typeof migrateStatus>;

export const migrateStatusResult = z.strictObject({
  ...resultFields,
  stage: z.literal("migrate-status"),
  status: migrateStatus,
});
export type MigrateStatusResult = z.infer<typeof migrateStatusResult>;
