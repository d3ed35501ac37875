import { z } from "zod";
import { resultFields, stageRequest } from "./request.js";

/** An instance of RDS that was restored beside the environment's own, and stays. */
const restoredInstance = z.strictObject({
  identifier: z.string(),
  host: z.string(),
  port: z.int(),
  /** ARN of the secret with its administrator's password. */
  secret: z.string(),
  /** Whether an earlier run of the same command had made it. */
  found: z.boolean(),
  /** What can be done with it, as commands. */
  steps: z.array(z.string()),
});
export type RestoredInstance = z.infer<typeof restoredInstance>;

/** A name for a database; PostgreSQL cuts longer ones off silently. */
const newDatabaseName = z
  .string()
  .min(1)
  .refine((name) => !name.includes("\0") && Buffer.byteLength(name) <= 63, "at most 63 bytes");

export const restoreRequest = stageRequest.extend({
  /** Identifier of the backup; `newest`: the newest complete one. */
  backup: z.string().default("newest"),
  /** The newest backup that this run made, instead of one by its identifier. */
  ofRun: z.string().min(1).optional(),
  /** The checkpoint of this name, or the `newest` one, instead of a backup by its identifier. */
  checkpoint: z.string().min(1).optional(),
  /** A moment, instead of a backup: the database as it was then, from the server's archived log. */
  at: z.iso.datetime({ offset: true }).optional(),
  /** The DB snapshot that was made beside the backup (`backup.snapshotBefore`), as an instance of its own beside. */
  dbSnapshot: z.boolean().optional(),
  /** Restore into a new database of this name beside the environment's own, which stays as it is. */
  into: newDatabaseName.optional(),
});
export type RestoreRequest = z.infer<typeof restoreRequest>;

export const restoreResult = z.strictObject({
  ...resultFields,
  stage: z.literal("restore"),
  /** Of a restore to a moment: pgBackRest's label of the base backup that it began with; of one on RDS, the instance it is of. */
  backup: z.string(),
  /** The moment that it was restored to, where it was one. */
  moment: z.iso.datetime({ offset: true }).optional(),
  /** Of a restore to a moment: when the last transaction was committed that is in it. */
  lastChange: z.iso.datetime().optional(),
  /**
   * Of a restore to a moment: in what the database that was there differed from the restored one, by table. Of a DB snapshot that was made
   * beside a dump: in what it differs from the dump.
   */
  differences: z.array(z.string()).optional(),
  /** The name of the checkpoint, where the backup is one. */
  checkpoint: z.string().optional(),
  /** The new database, where the backup was not restored in the place of the environment's own. */
  into: z.string().optional(),
  /** On RDS, of a moment and of a DB snapshot: where it was restored; the environment's own database is as it was. */
  instance: restoredInstance.optional(),
  /** The database that was there before, under its new name; absent where there was none. */
  kept: z.string().optional(),
  /** The SQL that drops it, for when it is no longer needed. */
  dropKept: z.string().optional(),
  tables: z.int(),
  rows: z.int(),
  /** Milliseconds in which no connection could be made: from the first session ended to the new name in place. */
  swapMs: z.int(),
});
export type RestoreResult = z.infer<typeof restoreResult>;
