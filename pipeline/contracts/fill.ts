import { z } from "zod";
import { resultFields, stageRequest } from "./request.js";

export const fillRequest = stageRequest.extend({
  /** Identifier of the backup; `newest`: the newest complete one. */
  backup: z.string().min(1),
});
export type FillRequest = z.infer<typeof fillRequest>;

export const fillResult = z.strictObject({
  ...resultFields,
  stage: z.literal("fill"),
  /** What it was filled with; absent where it held tables already, and was left as it is. */
  filled: z.strictObject({ backup: z.string(), tables: z.int(), rows: z.int() }).optional(),
});
export type FillResult = z.infer<typeof fillResult>;
