import { z } from "zod";
import { resultFields, stageRequest } from "./request.js";

/** What a person found about a migration. */
export const resolution = z.union([
  /** All of it is in the database. */
  z.strictObject({ applied: z.string().min(1) }),
  /** It failed, and nothing of it is in the database. */
  z.strictObject({ rolledBack: z.string().min(1) }),
]);
export type Resolution = z.infer<typeof resolution>;

export const resolveRequest = stageRequest.extend({ found: resolution });
export type ResolveRequest = z.infer<typeof resolveRequest>;

export const resolveResult = z.strictObject({
  ...resultFields,
  stage: z.literal("resolve"),
  found: resolution,
});
export type ResolveResult = z.infer<typeof resolveResult>;
