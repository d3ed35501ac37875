import { z } from "zod";
import { installScript, roomScript, stageCommand } from "../../../components/userData/bundleScripts.js";
import { hostPaths } from "../../../config/hostPaths.js";
import { PipelineError, exitCodes } from "../../../pipeline/errors.js";
import { parseJson } from "../../../pipeline/json.js";
import { type Level, levels, renderText } from "../../../pipeline/log.js";
import { npmRun } from "../../../pipeline/npmRun.js";
import type { RunStageOptions } from "../../../pipeline/runStage.js";
import type { HostBundle } from "../../build/hostBundle.js";
import type { RunNamed } from "../runNamed.js";
import type { HostSession } from "./session.js";

/** Stages run on a host; their failures are noted in `told`, since the log has shown them already. */
export function runThere(
  session: HostSession,
  bundle: HostBundle,
  options: RunStageOptions,
  told: WeakSet<PipelineError>,
): RunNamed {
  return async (stage, request) => {
    const command = stageCommand(stage, "json", bundle.hash);
    const { exitCode, stdout } = await session.run(command, JSON.stringify(request), (line) => show(line, options));
    const { environment } = z.object({ environment: z.string() }).parse(request);
    if (exitCode === undefined) throw brokenOff(stage, environment);
    const printed = parseJson(stdout);
    if (exitCode === exitCodes.ok && printed !== undefined) return printed;
    const failure = failureOutput.safeParse(printed);
    if (!failure.success) throw brokenOff(`${stage} (exit code ${exitCode})`, environment);
    const error = new PipelineError(failure.data.error);
    told.add(error);
    throw error;
  };
}

/** Copies a bundle to a host that does not have it, and checks it there. @throws PipelineError where there is no room. */
export async function provideBundle(session: HostSession, bundle: HostBundle): Promise<void> {
  const said: string[] = [];
  const script = async (text: string) => (await session.run("bash -s", text, (line) => said.push(line))).exitCode === 0;
  if (await script(installScript(bundle.hash, false))) return;
  said.length = 0;
  if (await script(roomScript(bundle))) {
    await session.copy(bundle.folder, `${hostPaths.bundles}/${bundle.hash}`);
    if (await script(installScript(bundle.hash, false))) return;
  }
  throw new PipelineError({
    code: "BUNDLE",
    kind: "refused",
    message: `The pipeline could not be copied to the host: ${said.join(" ")}`,
    state: "Nothing was touched.",
    next: "Mend that, then run the same command.",
  });
}

const failureOutput = z.object({
  error: z.object({
    code: z.string(),
    kind: z.enum(["defect", "usage", "refused", "failedUnchanged", "failedChanged", "interrupted"]),
    message: z.string(),
    state: z.string(),
    next: z.string(),
  }),
});

const logLine = z
  .object({
    time: z.string(),
    level: z.enum(["debug", "info", "warn", "error"]),
    stage: z.string(),
    run: z.string(),
    elapsed: z.number(),
    message: z.string(),
  })
  .loose();

/** A line of the stage's log, as a stage that runs here would show it. */
function show(line: string, { format, level, write }: RunStageOptions): void {
  const parsed = logLine.safeParse(parseJson(line));
  if (!parsed.success || format === "json") {
    write(`${line}\n`);
    return;
  }
  const { time, level: its, stage, run, elapsed, message, tag: _tag, ...fields } = parsed.data;
  if (isBelow(its, level)) return;
  write(`${renderText({ time, level: its, stage, run, elapsed, message, fields })}\n`);
}

function isBelow(level: Level, least: Level): boolean {
  return levels.indexOf(level) < levels.indexOf(least);
}

function brokenOff(stage: string, environment: string): PipelineError {
  return new PipelineError({
    code: "HOST_LOST",
    kind: "defect",
    message: `The connection to the host ended before the stage ${stage} had told its result.`,
    state:
      "The stage may still be running on the host; what it does is whole or not at all, and its evidence is in the store.",
    next: `${npmRun(environment, "db:status")} shows the state; then run the same command again.`,
  });
}
