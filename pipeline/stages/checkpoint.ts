import type { StageContext } from "../context.js";
import type { CheckpointRequest, CheckpointResult } from "../contracts.js";
import { removeCheckpoint } from "../store/housekeeping.js";
import { openStore } from "../store/open.js";
import { backup } from "./backup.js";
import { stamp } from "./stamp.js";

/**
 * A backup with a name, which stays until it is removed by that name.
 *
 * @throws PipelineError as {@link backup}; where the name is taken, or there is none to remove.
 */
export async function checkpoint(request: CheckpointRequest, context: StageContext): Promise<CheckpointResult> {
  const { name, action, ...base } = request;
  if (action === "make") {
    const made = await backup(base, context, { checkpoint: name });
    return { ...made, stage: "checkpoint", action, name };
  }
  const started = Date.now();
  const id = await removeCheckpoint(openStore(request.store), request.environment, name);
  context.log.info(`removed checkpoint ${name}`);
  return { stage: "checkpoint", action, ...stamp(request, started), name, id };
}
