import { z } from "zod";
import { identitySchema } from "./identity.js";
import { dbSnapshotSchema, physicalBackup } from "./physical.js";
import { preflightResult } from "./preflight.js";
import { resultFields, stageRequest } from "./request.js";

export const backupRequest = stageRequest.extend({ preflight: preflightResult.optional() });
export type BackupRequest = z.infer<typeof backupRequest>;

export const backupResult = z.strictObject({
  ...resultFields,
  stage: z.literal("backup"),
  /** The backup's identifier: the name of its folder in the store. */
  id: z.string(),
  location: z.string(),
  /** SHA-256 of `manifest.json`, which holds those of all other files. */
  manifestSha256: z.string(),
  identity: identitySchema,
  tables: z.int(),
  rows: z.int(),
  /** Bytes in the store; of a physical backup what it added to the archive, which may be nothing. */
  bytes: z.int(),
  /** Where its data is, where that is no dump in the store; its method is `backup.method`. */
  physical: physicalBackup.optional(),
  /** The DB snapshot that was made beside the dump, by `backup.snapshotBefore`. */
  dbSnapshot: dbSnapshotSchema.optional(),
  /** Older backups that retention removed. */
  removed: z.array(z.string()),
});
export type BackupResult = z.infer<typeof backupResult>;
