import "./startUp.js";
import { text } from "node:stream/consumers";
import { Command, InvalidArgumentError, Option } from "commander";
import { describeExitCodes } from "./describeExitCodes.js";
import { PipelineError, exitCodes, messageOf } from "./errors.js";
import type { Format, Level } from "./log.js";
import { processOptions } from "./processOptions.js";
import type { RunStageOptions } from "./runStage.js";
import { type StageName, stages } from "./stages/index.js";
import { resultExitCode } from "./stages/resultExitCode.js";

/**
 * One sub-command a stage: a JSON request on standard input, one JSON result on standard output, logs on standard error.
 * Exit codes: see `exitCodes`.
 */
async function main(argv: readonly string[]): Promise<void> {
  const program = new Command("safe-migration")
    .description("Stages of a database migration: JSON request on standard input, JSON result on standard output.")
    .addOption(new Option("--log-level <level>").choices(["debug", "info", "warn", "error"]).default("info"))
    .addOption(
      new Option("--log-format <format>", "text: lines for a person; json: one object a line")
        .choices(["text", "json"])
        .default(process.stderr.isTTY ? "text" : "json", "text on a terminal, json elsewhere"),
    )
    .exitOverride();
  for (const stage of Object.values(stages)) {
    program
      .command(stage.name)
      .summary(stage.summary)
      .description(`${stage.summary}\n\nExit codes:\n${describeExitCodes()}`)
      .action(async () => {
        const { logLevel, logFormat } = program.opts<{ logLevel: Level; logFormat: Format }>();
        const request = await readRequest();
        process.exitCode = await execute(stage.name as StageName, request, processOptions(logFormat, logLevel));
      });
  }
  await program.parseAsync(argv);
}

/**
 * Runs a stage and prints its result as one JSON object; its failure likewise, but where a person reads, who has just been
 * told it in words. Returns the exit code.
 */
async function execute(name: StageName, request: unknown, options: RunStageOptions): Promise<number> {
  const outcome = await stages[name].run(request, options);
  if (outcome.ok) process.stdout.write(`${JSON.stringify(outcome.result)}\n`);
  else if (options.format === "json") process.stdout.write(`${JSON.stringify({ error: outcome.error })}\n`);
  return outcome.ok ? resultExitCode(outcome.result) : outcome.error.exitCode;
}

async function readRequest(): Promise<unknown> {
  if (process.stdin.isTTY)
    throw new InvalidArgumentError("the request is read from standard input as JSON; by hand, use the npm scripts");
  const input = await text(process.stdin);
  try {
    return JSON.parse(input);
  } catch (error) {
    throw new InvalidArgumentError(`standard input is not JSON (${messageOf(error)})`);
  }
}

main(process.argv).catch((error: unknown) => {
  // commander has printed its own message by now.
  if (error instanceof Error && "code" in error && String(error.code).startsWith("commander.")) {
    process.exitCode = "exitCode" in error && error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (error instanceof InvalidArgumentError) process.stderr.write(`${error.message}\n`);
    return;
  }
  process.stderr.write(`${error instanceof PipelineError ? error.message : messageOf(error)}\n`);
  process.exitCode = exitCodes.defect;
});
