import { Command, Option } from "commander";
import { PipelineError } from "../../pipeline/errors.js";
import { nowVariable } from "../../pipeline/window/assert.js";
import type { Format, Level } from "../../pipeline/log.js";
import { aimed } from "../../pipeline/npmRun.js";
import { processOptions } from "../../pipeline/processOptions.js";
import type { RunStageOptions } from "../../pipeline/runStage.js";
import { stages } from "../../pipeline/stages/index.js";
import { type Asked, type StageFlags, byHand } from "./byHand.js";
import { flag, general, mannerly, reason, stackOption } from "./commandLine.js";
import { asksForName, confirm } from "./confirm.js";
import { resultExitCode } from "../../pipeline/stages/resultExitCode.js";
import { deploy } from "./deploy.js";
import { describeResult } from "./describeResult.js";
import { reportFailure } from "./reportFailure.js";
import { type RefreshFlags, refresh } from "./refresh.js";
import { readTarget } from "./target.js";
import { withStages } from "./there/withStages.js";

/** The seed's `db:*` and `health:check` commands: one stage, for the environment that NODE_ENV or `--stack` names. */

interface Flags extends Omit<StageFlags, "environment">, RefreshFlags {
  readonly stack: string;
  readonly json?: boolean;
  readonly logLevel: Level;
  readonly logFormat: Format;
  readonly now?: string;
  readonly yes?: string;
}

const deployName = "deploy";
const refreshName = "refresh";
const now = () =>
  flag("--now <reason>", "do not wait for the maintenance window; the reason is recorded").argParser(reason);
/** What a command that puts several stages in a row takes away, in the words of a stage. */
const severalStages: Readonly<Record<string, Asked>> = { [refreshName]: { stage: "refresh" } };

async function act(name: string, flags: Flags): Promise<void> {
  const options = processOptions(flags.logFormat, flags.logLevel);
  const told = new WeakSet<PipelineError>();
  try {
    const result = await resultOf(name, flags, options, told);
    const text = () => {
      const described = byHand[name]?.describe?.(result, { ...flags, environment: flags.stack });
      return described === undefined ? describeResult(result) : aimed(flags.stack, described);
    };
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
  const environment = flags.stack;
  const asked = byHand[name]?.ask({ ...flags, environment });
  if (asked?.more !== undefined) stages[asked.stage].check(asked.more);
  const target = readTarget(environment);
  const destroying = asked ?? severalStages[name];
  if (destroying !== undefined) await confirm(environment, destroying, flags.yes);
  return withStages(target, options, told, (request, run, place) => {
    if (name === deployName) return deploy(request, flags.backup, run);
    if (name === refreshName) return refresh(target, flags, request, run, place);
    if (asked === undefined) throw new Error(`no such command: ${name}`);
    return run(asked.stage, { ...request, ...asked.more });
  });
}

/** Of what a look at the database finds. */
const findings: Readonly<Record<string, Parameters<typeof mannerly>[2]>> = {
  diagnose: { failedUnchanged: "something is wrong with the database" },
  repair: { failedChanged: "something is left to mend" },
};

/** Flags that every command of these has. */
function ofEvery(): Option[] {
  return [
    stackOption(),
    new Option("--json", 'print the result as one JSON object, or the failure: {"error": …}'),
    new Option("--log-level <level>", "log lines of this level and above, on standard error")
      .choices(["debug", "info", "warn", "error"])
      .default("info"),
    new Option("--log-format <format>", "text: lines for a person; json: one object a line")
      .choices(["text", "json"])
      .default(process.stderr.isTTY ? "text" : "json", "text on a terminal, json elsewhere"),
  ];
}

function program(): Command {
  const whole = new Command("npm run db --").description(
    "Stages by hand, for the environment that --stack or NODE_ENV names (development, staging, production, or a stack's own name; neither: local).",
  );
  const command = mannerly(whole, "npm run db -- --help").addHelpText(
    "after",
    "\nnpm run db -- help COMMAND tells more of one.",
  );
  const add = (name: string, summary: string, options: readonly Option[]) => {
    const sub = mannerly(command.command(name).description(summary), `npm run db -- help ${name}`, findings[name]);
    for (const option of options) sub.addOption(option);
    if (asksForName(name))
      sub.option(
        "--yes <stack>",
        "the environment's name, so that it is not asked for where prod would lose something",
      );
    for (const option of ofEvery()) sub.addOption(general(option));
    sub.action(() => act(name, sub.opts<Flags>()));
  };
  for (const [name, { summary, options }] of Object.entries(byHand))
    add(name, summary, name === "preflight" ? [...options, now()] : options);
  const backup = flag("--backup <id>", "identifier of a backup that was just made, or newest; default: one is made");
  const unchanged = flag(
    "--without-anonymising <reason>",
    "leave people's data as it is; the reason is recorded",
  ).argParser(reason);
  add(refreshName, "gives an environment the data of the newest proved backup of refresh.from, anonymised", [
    unchanged,
  ]);
  add(deployName, "preflight, backup, rehearse, migrate and verify, one after the other", [backup, now()]);
  return command;
}

program().parseAsync(process.argv).catch(reportFailure);
