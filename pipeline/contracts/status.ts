import { z } from "zod";
import { migrationRef } from "./migration.js";
import { backupMethods } from "./physical.js";
import { provedBackup } from "./proved.js";
import { resultFields } from "./request.js";

/** What the stage `status` answers: to people and to metrics, never to a stage after it. */
export const statusResult = z.strictObject({
  ...resultFields,
  stage: z.literal("status"),
  database: z.string(),
  systemIdentifier: z.string(),
  applied: z.array(migrationRef),
  pending: z.array(migrationRef),
  /** Failed, and not proved to have changed nothing. */
  failed: z.array(z.string()),
  /** Stopped before they changed anything, or in one statement that can be gone on with; the next run does. */
  stopped: z.array(z.string()),
  edited: z.array(z.string()),
  missing: z.array(z.string()),
  /** Complete backups, newest first; `method` of those that are no dump. */
  backups: z.array(
    z.strictObject({ id: z.string(), created: z.iso.datetime(), method: z.enum(backupMethods).optional() }),
  ),
  /** Backups whose manifest cannot be trusted. */
  damaged: z.array(z.string()),
  /** The newest backup that was proved by a restore, and its age in hours; absent where none was. */
  proved: provedBackup.extend({ ageHours: z.number() }).optional(),
});
export type StatusResult = z.infer<typeof statusResult>;
