import { z } from "zod";
import { backupMethods } from "./physical.js";
import { resultFields, stageRequest } from "./request.js";

export const backupsRequest = stageRequest.extend({
  /** Read every byte of every backup again, and compare it with its manifest. */
  verify: z.boolean().default(false),
});
export type BackupsRequest = z.infer<typeof backupsRequest>;

/** A backup as the store has it. */
export const listedBackup = z.strictObject({
  id: z.string(),
  /** `damaged`: it cannot be trusted, for the reason given; of its manifest nothing else is said then. */
  state: z.enum(["complete", "damaged"]),
  reason: z.string().optional(),
  made: z.iso.datetime().optional(),
  run: z.string().optional(),
  checkpoint: z.string().optional(),
  /** Absent: a dump. */
  method: z.enum(backupMethods).optional(),
  /** Bytes in the store; absent where its data is elsewhere. */
  bytes: z.int().optional(),
  tables: z.int().optional(),
  rows: z.int().optional(),
  /** Applied migrations in it, and the last of them. */
  migrations: z.int().optional(),
  lastMigration: z.string().optional(),
  /** When and by which stage it was last restored, with equal fingerprints; absent: never. */
  proved: z.strictObject({ at: z.iso.datetime(), by: z.enum(["rehearse", "restore"]) }).optional(),
});
export type BackupEntry = z.infer<typeof listedBackup>;

export const backupsResult = z.strictObject({
  ...resultFields,
  stage: z.literal("backups"),
  store: z.string(),
  /** Newest first, those that are damaged last. */
  backups: z.array(listedBackup),
  /** Every byte was read again. */
  verified: z.boolean(),
});
export type BackupsResult = z.infer<typeof backupsResult>;
