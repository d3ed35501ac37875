import { z } from "zod";
import { availabilitySchema } from "./migrate.js";
import { migrationRef } from "./migration.js";
import { resultFields, stageRequest } from "./request.js";

export const rollbackRequest = stageRequest.extend({
  /** How many migrations are taken back, the newest first. Default: 1, unless `to` is given. */
  steps: z.int().min(1).optional(),
  /** The migration that is the newest one afterwards: all that were applied after it are taken back. */
  to: z.string().min(1).optional(),
});
export type RollbackRequest = z.infer<typeof rollbackRequest>;

export const rollbackResult = z.strictObject({
  ...resultFields,
  stage: z.literal("rollback"),
  /** The backup that was made before; it has what the down migrations took away. */
  backup: z.string(),
  /** In the order in which they were taken back. */
  takenBack: z.array(
    migrationRef.extend({
      /** SHA-256 of the `down.sql` that ran. */
      downChecksum: z.string(),
      durationMs: z.int(),
      /** 1 where no lock was in the way. */
      attempts: z.int(),
    }),
  ),
  /** The newest migration that is applied now; absent where none is. */
  newest: z.string().optional(),
  /** As in the result of migrate. */
  availability: availabilitySchema.optional(),
  warnings: z.array(z.string()),
});
export type RollbackResult = z.infer<typeof rollbackResult>;
