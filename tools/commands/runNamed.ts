import type { PipelineError } from "../../pipeline/errors.js";
import type { RunStageOptions } from "../../pipeline/runStage.js";
import { type StageName, stages } from "../../pipeline/stages/index.js";

/** Runs a stage by its name and gives its result. @throws PipelineError, its failure. */
export type RunNamed = (stage: StageName, request: unknown) => Promise<unknown>;

/** Stages run in this process; their failures are noted in `told`, since the log has shown them already. */
export function runHere(options: RunStageOptions, told: WeakSet<PipelineError>): RunNamed {
  return async (stage, request) => {
    const outcome = await stages[stage].run(request, options);
    if (outcome.ok) return outcome.result;
    told.add(outcome.error);
    throw outcome.error;
  };
}
