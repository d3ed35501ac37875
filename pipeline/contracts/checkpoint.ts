import { z } from "zod";
import { checkpointName } from "../store/checkpoint.js";
import { backupResult } from "./backup.js";
import { resultFields, stageRequest } from "./request.js";

export const checkpointRequest = stageRequest.extend({
  name: checkpointName,
  /** `remove`: removes the checkpoint of this name, which nothing else does. */
  action: z.enum(["make", "remove"]).default("make"),
});
export type CheckpointRequest = z.infer<typeof checkpointRequest>;

export const checkpointResult = z.discriminatedUnion("action", [
  backupResult.extend({ stage: z.literal("checkpoint"), action: z.literal("make"), name: z.string() }),
  z.strictObject({
    ...resultFields,
    stage: z.literal("checkpoint"),
    action: z.literal("remove"),
    name: z.string(),
    /** Identifier of the backup that it was. */
    id: z.string(),
  }),
]);
export type CheckpointResult = z.infer<typeof checkpointResult>;
