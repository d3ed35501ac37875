import { z } from "zod";
import { resultFields, stageRequest } from "./request.js";

export const restoreRequest = stageRequest.extend({
  /** Identifier of the backup; `newest`: the newest complete one. */
  backup: z.string().default("newest"),
});
export type RestoreRequest = z.infer<typeof restoreRequest>;

export const restoreResult = z.strictObject({
  ...resultFields,
  stage: z.literal("restore"),
  backup: z.string(),
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
