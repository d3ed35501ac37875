import { z } from "zod";
import { resultFields } from "./request.js";
import { restoreRequest, restoreResult } from "./restore.js";

/** As for a restore, which is always in the place of the environment's own database. */
export const recoverRequest = restoreRequest.omit({ into: true, dbSnapshot: true });
export type RecoverRequest = z.infer<typeof recoverRequest>;

export const recoverSteps = ["stop", "restore", "start", "health"] as const;

export const recoverStep = z.strictObject({
  step: z.enum(recoverSteps),
  /** `done` by this run; `already`: it was so before; `skipped`: there is nothing to do it to. */
  outcome: z.enum(["done", "already", "skipped"]),
  /** What was seen that says so. */
  seen: z.string(),
  durationMs: z.int(),
});
export type RecoverStep = z.infer<typeof recoverStep>;

export const recoverResult = z.strictObject({
  ...resultFields,
  stage: z.literal("recover"),
  /** Of a recovery to a moment: pgBackRest's label of the base backup that it began with. */
  backup: z.string(),
  /** The moment that was gone back to, where it was one. */
  moment: restoreResult.shape.moment,
  steps: z.array(recoverStep),
  /**
   * How the database differed from the backup or the moment before it was restored: what was written since, what the migration did. It is all
   * in the database that is kept.
   */
  setAside: z.array(z.string()),
  /** Absent where the database was the backup already. */
  restored: restoreResult.pick({ kept: true, dropKept: true, swapMs: true }).optional(),
  /** From the moment at which the application was stopped to its health, in milliseconds; absent where it was not running. */
  downMs: z.int().optional(),
});
export type RecoverResult = z.infer<typeof recoverResult>;
