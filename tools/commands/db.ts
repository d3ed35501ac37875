import { Command, Option } from "commander";
import { describeExitCodes } from "../../pipeline/describeExitCodes.js";
import { PipelineError } from "../../pipeline/errors.js";
import { nowVariable } from "../../pipeline/window/assert.js";
import type { Format, Level } from "../../pipeline/log.js";
import { environmentOf } from "../../pipeline/npmRun.js";
import { processOptions } from "../../pipeline/processOptions.js";
import type { RunStageOptions } from "../../pipeline/runStage.js";
import { type StageFlags, byHand, flag } from "./byHand.js";
import { confirm } from "./confirm.js";
import { resultExitCode } from "../../pipeline/stages/resultExitCode.js";
import { deploy } from "./deploy.js";
import { describeResult } from "./describeResult.js";
import { reportFailure } from "./reportFailure.js";
import { type RefreshFlags, refresh } from "./refresh.js";
import { readTarget } from "./target.js";
import { withStages } from "./there/withStages.js";

/** The seed's `db:*` and `health:check` commands: one stage, run here for the environment that NODE_ENV names. */

interface Flags extends StageFlags, RefreshFlags {
  readonly json?: boolean;
  readonly logLevel: Level;
  readonly logFormat: Format;
  readonly now?: string;
  readonly yes?: string;
}

const deployName = "deploy";
const refreshName = "refresh";
const now = () => flag("--now <reason>", "do not wait for the maintenance window; the reason is recorded");

async function act(name: string, flags: Flags): Promise<void> {
  const options = processOptions(flags.logFormat, flags.logLevel);
  const told = new WeakSet<PipelineError>();
  try {
    const result = await resultOf(name, flags, options, told);
    const text = () => byHand[name]?.describe?.(result, flags) ?? describeResult(result);
    process.stdout.write(flags.json === true ? `${JSON.stringify(result)}\n` : text());
    process.exitCode = resultExitCode(result);
  } catch (error) {
    if (flags.json === true && error instanceof PipelineError) process.stdout.write(`${JSON.stringify({ error })}\n`);
    // A person in front of a terminal has just read it in the log.
    if (error instanceof PipelineError && told.has(error) && flags.logFormat === "text") {
      process.exitCode = error.exitCode;
    } else {
      reportFailure(error);
    }
  }
}

async function resultOf(
  name: string,
  flags: Flags,
  options: RunStageOptions,
  told: WeakSet<PipelineError>,
): Promise<unknown> {
  if (flags.now !== undefined) process.env[nowVariable] = flags.now;
  const command = byHand[name];
  const asked = command?.ask(flags);
  const target = readTarget(flags.environment);
  if (asked !== undefined) await confirm(flags.environment, asked, flags.yes);
  return withStages(target, options, told, (request, run, place) => {
    if (name === deployName) return deploy(request, flags.backup, run);
    if (name === refreshName) return refresh(target, flags, request, run, place);
    if (asked === undefined) throw new Error(`no such command: ${name}`);
    return run(asked.stage, { ...request, ...asked.more });
  });
}

function program(): Command {
  const command = new Command("npm run db --")
    .description(
      "Stages by hand, for the environment that NODE_ENV names (development, staging, production; unset: local).",
    )
    .exitOverride()
    .addHelpText("after", `\nExit codes:\n${describeExitCodes()}\n\nnpm run db -- help COMMAND tells more of one.`);
  const add = (name: string, summary: string, options: readonly Option[]) => {
    const sub = command
      .command(name)
      .description(summary)
      .addHelpText("after", `\nExit codes:\n${describeExitCodes()}`)
      .option("--json", "print the result as one JSON object")
      .option("--yes <environment>", "the environment's name: do not ask for it where something is destroyed")
      .addOption(new Option("--environment <name>").default(environmentOf(process.env["NODE_ENV"]), "from NODE_ENV"))
      .addOption(new Option("--log-level <level>").choices(["debug", "info", "warn", "error"]).default("info"))
      .addOption(
        new Option("--log-format <format>")
          .choices(["text", "json"])
          .default(process.stderr.isTTY ? "text" : "json", "text on a terminal, json elsewhere"),
      );
    for (const option of options) sub.addOption(option);
    sub.action(() => act(name, sub.opts<Flags>()));
  };
  for (const [name, { summary, options }] of Object.entries(byHand))
    add(name, summary, name === "preflight" ? [...options, now()] : options);
  const backup = flag("--backup <id>", "identifier of a backup that was just made, or newest; default: one is made");
  const unchanged = flag("--without-anonymising <reason>", "leave people's data as it is; the reason is recorded");
  add(refreshName, "gives an environment the data of the newest proved backup of refresh.from, anonymised", [
    unchanged,
  ]);
  add(deployName, "preflight, backup, rehearse, migrate and verify, one after the other", [backup, now()]);
  return command;
}

program().parseAsync(process.argv).catch(reportFailure);
