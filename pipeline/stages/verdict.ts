import type { StageContext } from "../context.js";
import type { VerdictRequest, VerdictResult } from "../contracts.js";
import { decideVerdict } from "../verdict/decide.js";
import { observe } from "../verdict/observe.js";
import { stamp } from "./stamp.js";

/**
 * What to do about the state that the database is in: run again, fix and go on, roll back or restore, each with what it would
 * lose since the backup. Only reads, every table among it.
 *
 * @throws PipelineError where the server cannot be asked, or the database is another environment's.
 */
export async function verdict(request: VerdictRequest, context: StageContext): Promise<VerdictResult> {
  const started = Date.now();
  const { backup, ...base } = request;
  const observed = await observe(base, context, { backup, data: true });
  return {
    stage: "verdict",
    ...stamp(request, started),
    ...decideVerdict(observed, request.environment),
    observed,
  };
}
