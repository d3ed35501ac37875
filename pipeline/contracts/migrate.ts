import { z } from "zod";
import { backupResult } from "./backup.js";
import { migrationRef } from "./migration.js";
import { resultFields, stageRequest } from "./request.js";

export const migrateRequest = stageRequest.extend({ backup: backupResult });
export type MigrateRequest = z.infer<typeof migrateRequest>;

export const migrateResult = z.strictObject({
  ...resultFields,
  stage: z.literal("migrate"),
  backup: z.string(),
  applied: z.array(
    migrationRef.extend({
      /** Time of the attempt that succeeded, in milliseconds. */
      durationMs: z.int(),
      /** 1 where no lock was in the way. */
      attempts: z.int(),
    }),
  ),
});
export type MigrateResult = z.infer<typeof migrateResult>;
