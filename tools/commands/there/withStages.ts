import type { StageRequest } from "../../../pipeline/contracts.js";
import type { PipelineError } from "../../../pipeline/errors.js";
import { newRunId } from "../../../pipeline/runId.js";
import type { RunStageOptions } from "../../../pipeline/runStage.js";
import { hostBundle, hostProject } from "../../build/hostBundle.js";
import { type RunNamed, runHere } from "../runNamed.js";
import { type Target, requestFor, requestOf } from "../target.js";
import { type TargetPlace, placeOf } from "./place.js";
import { provideBundle, runThere } from "./runThere.js";
import { HostSession } from "./session.js";

/** A machine that was just started refuses connections for a while; between two attempts are up to 5 s. */
const attemptsAfterStart = 60;

/** Has the host run, where it is one that stops by itself. @returns whether it had to be started */
async function startHost(
  { config, environment }: Target,
  instance: string,
  { signal, write }: RunStageOptions,
): Promise<boolean> {
  if (config.runner.stopAfterMinutes === 0) return false;
  const { ofStack } = await import("../../aws/client.js");
  const { startInstance } = await import("../../aws/startInstance.js");
  return startInstance(ofStack(environment), instance, { signal, say: (line) => write(`${line}\n`) });
}

/**
 * Works with the stages of an environment where they run: here, or on its host by SSH, with what is checked out here.
 *
 * @param told is given the failures that the log has shown
 */
export async function withStages<T>(
  target: Target,
  options: RunStageOptions,
  told: WeakSet<PipelineError>,
  work: (request: StageRequest, run: RunNamed, place: Pick<TargetPlace, "refreshFrom">) => Promise<T>,
): Promise<T> {
  if (target.config.database.kind === "local") return work(await requestFor(target), runHere(options, told), {});
  const place = await placeOf(target);
  const { host, instance } = place;
  if (host === undefined) return work(await requestOf(target, place), runHere(options, told), place);
  const started = instance !== undefined && (await startHost(target, instance, options));
  const session = await HostSession.open(host, options.signal, started ? attemptsAfterStart : undefined, (line) => {
    // A program that reads the log takes nothing but objects.
    if (options.format === "text") options.write(`${line}\n`);
  });
  try {
    const bundle = await hostBundle(target.paths);
    await provideBundle(session, bundle);
    const project = await hostProject(target.paths, bundle.hash);
    const request = await requestOf(target, { ...place, project }, newRunId());
    return await work(request, runThere(session, bundle, options, told), place);
  } finally {
    session.end();
  }
}
