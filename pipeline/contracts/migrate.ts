import { z } from "zod";
import { backupResult } from "./backup.js";
import { migrationRef } from "./migration.js";
import { rehearseResult } from "./rehearse.js";
import { restorePoint } from "./restorePoint.js";
import { resultFields, stageRequest } from "./request.js";

export const migrateRequest = stageRequest.extend({ backup: backupResult, rehearsal: rehearseResult });
export type MigrateRequest = z.infer<typeof migrateRequest>;

/** What an application met while the migrations were applied, measured by requests at fixed times; see `docs/availability.md`. */
export const availabilitySchema = z.strictObject({
  requests: z.int(),
  /** Answered later than `refusedAfterMs` after they were to start, or not at all. */
  refused: z.int(),
  /** Time in which at least one of the targets gave no service, in milliseconds. */
  refusedMs: z.int(),
  /** The longest time without service of any target, in milliseconds. */
  longestRefusedMs: z.int(),
  refusedAfterMs: z.int(),
  /** What `refusedMs` may come to before the migration is stopped and rolled back. */
  budgetMs: z.int(),
  /** Sessions of the application that were seen to wait for a lock of the migration. */
  waited: z.strictObject({ sessions: z.int(), longestMs: z.int() }),
  /** Reads and writes of each touched table, and the application's health; the worst first. */
  targets: z.array(
    z.strictObject({
      target: z.string(),
      requests: z.int(),
      refused: z.int(),
      slowestMs: z.int(),
      longestRefusedMs: z.int(),
    }),
  ),
  /** Touched tables that were not probed, because there were too many. */
  tablesLeftOut: z.int(),
  /** The slowest answer of each interval since the first request, in milliseconds; `null` where none was sent. */
  series: z.strictObject({ everyMs: z.number(), slowestMs: z.array(z.int().nullable()).max(120) }).optional(),
});
export type Availability = z.infer<typeof availabilitySchema>;

/** What the application met during one part of a stage, which may have failed later. */
export const measuredSchema = z.strictObject({
  /** `rollback`: while migrations were taken back. */
  during: z.enum(["migrate", "rollback"]),
  availability: availabilitySchema,
});
export type Measured = z.infer<typeof measuredSchema>;

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
      /** Just before it. */
      restorePoint: restorePoint.optional(),
    }),
  ),
  /** Absent where nothing was probed: no table that was there before was touched. */
  availability: availabilitySchema.optional(),
});
export type MigrateResult = z.infer<typeof migrateResult>;
