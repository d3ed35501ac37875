import { z } from "zod";
import { identitySchema } from "./identity.js";
import { resultFields, stageRequest } from "./request.js";

export const acceptRequest = stageRequest.extend({
  /** System identifier of the server that is meant, as the refusal says it: accepted is only what was looked at. */
  system: z.string().regex(/^\d+$/, "a system identifier: digits only"),
});
export type AcceptRequest = z.infer<typeof acceptRequest>;

export const acceptResult = z.strictObject({
  ...resultFields,
  stage: z.literal("accept"),
  identity: identitySchema,
  /** The database that was known before; absent where none was. */
  before: z.strictObject({ systemIdentifier: z.string(), database: z.string() }).optional(),
});
export type AcceptResult = z.infer<typeof acceptResult>;
