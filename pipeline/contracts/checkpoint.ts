import { z } from "zod";
import { backupResult } from "./backup.js";
import { resultFields, stageRequest } from "./request.js";

/** A checkpoint's name: part of its backup's identifier, which is the name of a folder. */
const checkpointName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,47}$/, "letters, digits, - and _ only, at most 48")
  .refine((name) => name !== "newest", '"newest" means the newest one');

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
