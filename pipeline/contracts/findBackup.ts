import { z } from "zod";
import { stageRequest } from "./request.js";

export const findBackupRequest = stageRequest.extend({
  /** Identifier of the backup; `newest`: the newest complete one. */
  backup: z.string().min(1),
});
export type FindBackupRequest = z.infer<typeof findBackupRequest>;
