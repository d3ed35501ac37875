import { Command, Option } from "commander";
import { PipelineError } from "../../pipeline/errors.js";
import { nowVariable } from "../../pipeline/window/assert.js";
import { stopSignal } from "../../pipeline/stopSignal.js";
import type { Format, Level } from "../../pipeline/log.js";
import { environmentOf } from "../../pipeline/npmRun.js";
import type { RunStageOptions } from "../../pipeline/runStage.js";
import { type StageName, stages } from "../../pipeline/stages/index.js";
import { deploy } from "./deploy.js";
import { describeResult } from "./describeResult.js";
import { reportFailure } from "./reportFailure.js";
import { type RunNamed, runHere } from "./runNamed.js";
import { readTarget, requestFor } from "./target.js";

/** The seed's `db:*` and `health:check` commands: one stage, run here for the environment that NODE_ENV names. */

interface Flags {
  readonly json?: boolean;
  readonly logLevel: Level;
  readonly logFormat: Format;
  readonly environment: string;
  readonly backup?: string;
  readonly now?: string;
}

const byHand: Readonly<Record<string, { stage: StageName | "deploy"; backup: boolean }>> = {
  backup: { stage: "backup", backup: false },
  restore: { stage: "restore", backup: true },
  verify: { stage: "verify", backup: false },
  preflight: { stage: "preflight", backup: false },
  status: { stage: "status", backup: false },
  health: { stage: "health", backup: false },
  deploy: { stage: "deploy", backup: true },
};

async function act(name: string, flags: Flags): Promise<void> {
  const options: RunStageOptions = {
    format: flags.logFormat,
    level: flags.logLevel,
    terminal: process.stderr.isTTY,
    write: (text) => process.stderr.write(text),
    signal: stopSignal(),
  };
  const told = new WeakSet<PipelineError>();
  try {
    const result = await resultOf(name, flags, runHere(options, told));
    process.stdout.write(flags.json === true ? `${JSON.stringify(result)}\n` : describeResult(result));
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

async function resultOf(name: string, flags: Flags, run: RunNamed): Promise<unknown> {
  if (flags.now !== undefined) process.env[nowVariable] = flags.now;
  const { stage } = byHand[name] ?? { stage: undefined };
  if (stage === undefined) throw new Error(`no such command: ${name}`);
  const request = await requestFor(readTarget(flags.environment));
  if (stage === "deploy") return deploy(request, flags.backup, run);
  const named = stage === "restore" && flags.backup !== undefined ? { backup: flags.backup } : {};
  return run(stage, { ...request, ...named });
}

function program(): Command {
  const command = new Command("npm run db").description(
    "Stages by hand, for the environment that NODE_ENV names (development, staging, production; unset: local).",
  );
  for (const [name, { stage, backup }] of Object.entries(byHand)) {
    const sub = command
      .command(name)
      .description(
        stage === "deploy" ? "preflight, backup, migrate and verify, one after the other" : stages[stage].summary,
      )
      .option("--json", "print the result as one JSON object")
      .addOption(new Option("--environment <name>").default(environmentOf(process.env["NODE_ENV"]), "from NODE_ENV"))
      .addOption(new Option("--log-level <level>").choices(["debug", "info", "warn", "error"]).default("info"))
      .addOption(
        new Option("--log-format <format>")
          .choices(["text", "json"])
          .default(process.stderr.isTTY ? "text" : "json", "text on a terminal, json elsewhere"),
      );
    if (backup) sub.option("--backup <id>", "identifier of a backup, or newest");
    if (stage === "deploy" || stage === "preflight")
      sub.option("--now <reason>", "do not wait for the maintenance window; the reason is recorded");
    sub.action(() => act(name, sub.opts<Flags>()));
  }
  return command;
}

program().parseAsync(process.argv).catch(reportFailure);
