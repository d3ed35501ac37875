import { Option } from "commander";
import Table from "cli-table3";
import type { StageContext } from "../../pipeline/context.js";
import { exitCodes } from "../../pipeline/errors.js";
import { createLogger } from "../../pipeline/log.js";
import { stopSignal } from "../../pipeline/stopSignal.js";
import { startLoad } from "../../test/support/application/load.js";
import { startApplication } from "../../test/support/application/pm2Application.js";
import { type Line, type Stage, corruptData, failedMigration, losses } from "../drill/play.js";
import { makeScratchStack } from "../drill/scratch.js";
import { commandLine, wholeNumber } from "./commandLine.js";
import { reportFailure } from "./reportFailure.js";

/** `npm run emergency:drill`: both emergencies of the plan, played on a stack of the drill's own, under load. */

const emergencies = [
  { name: "A migration failed", play: failedMigration },
  { name: "Data is corrupt", play: corruptData },
] as const;

/** An answer later than this counts as refused, in milliseconds. */
const refusedAfterMs = 1_000;

async function drill(options: { users: number; orders: number; verbose?: boolean }): Promise<void> {
  const log = createLogger({
    stage: "drill",
    run: "drill",
    format: "text",
    level: options.verbose === true ? "info" : "error",
    terminal: process.stderr.isTTY,
    write: (text) => process.stderr.write(text),
  });
  // What the drill breaks is told as steps; only --verbose shows the errors that it means to make.
  const quiet = { ...log, error: () => undefined, progress: () => undefined };
  const context: StageContext = { log: options.verbose === true ? log : quiet, signal: stopSignal() };
  say("making a cluster, sample data and the application under pm2 …");
  const stack = await makeScratchStack(options, context);
  try {
    const application = await startApplication({ process: "happy-baby-style-backend", database: stack.database });
    // The pm2 that the stages find is this one.
    Object.assign(process.env, application.env);
    try {
      const outcomes: boolean[] = [];
      for (const [at, { name, play }] of emergencies.entries()) {
        say(`\n${at + 1}. ${name}`);
        outcomes.push(await playUnderLoad(play, { stack, application, context }, `d${at}-`));
      }
      const good = outcomes.every((outcome) => outcome);
      say(good ? "\nBoth emergencies were gone through, and nothing was lost." : "\nNot as it should be: see above.");
      if (!good) process.exitCode = exitCodes.failedChanged;
    } finally {
      await application.remove();
    }
  } finally {
    await stack.remove();
  }
}

async function playUnderLoad(
  play: (stage: Stage) => Promise<void>,
  parts: Omit<Stage, "load" | "tell">,
  prefix: string,
): Promise<boolean> {
  const { url } = parts.application;
  const load = startLoad({ url, readsPerSecond: 20, writesPerSecond: 20, refusedAfterMs, timeoutMs: 5_000, prefix });
  const lines: Line[] = [];
  const tell = (line: Line): void => {
    lines.push(line);
    say(`   ${line.good ? "✔" : "✖"} ${line.what}`);
  };
  const stage: Stage = { ...parts, load, tell };
  try {
    await answered(stage, 40);
    await play(stage);
    await answered(stage, 40);
  } finally {
    await load.stop();
  }
  const seen = load.seen();
  const { lost, unknownThere } = await losses(stage, seen);
  say(stepsTable(lines));
  const seconds = (seen.longestRefusedMs / 1_000).toFixed(1);
  const which = lost.length > 0 ? ` (${lost.slice(0, 10).join(", ")})` : "";
  say(
    [
      `   downtime, as the load saw it: ${seconds} s; ${seen.refused} of ${seen.requests} requests had no answer within ${refusedAfterMs / 1_000} s`,
      `   orders that the application had taken: ${seen.acknowledged.length}; lost: ${lost.length}${which}`,
      `   orders without an answer, so that nobody took them for taken: ${seen.unknown.length}; ${unknownThere} of them are there`,
    ].join("\n"),
  );
  return lost.length === 0 && lines.every(({ good }) => good);
}

function stepsTable(lines: readonly Line[]): string {
  const table = new Table({
    head: ["step", "what was seen", "s"],
    colWidths: [44, 76, 7],
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  });
  table.push(
    ...lines.map(({ what, seen, ms, good }) => [
      what,
      good ? seen : `NOT AS IT SHOULD BE: ${seen}`,
      (ms / 1_000).toFixed(1),
    ]),
  );
  return table.toString();
}

/** Waits until so many more orders were taken: the application runs, and is under load. */
async function answered({ load, context }: Stage, more: number): Promise<void> {
  const before = load.seen().acknowledged.length;
  const deadline = Date.now() + 60_000;
  while (load.seen().acknowledged.length < before + more) {
    context.signal.throwIfAborted();
    if (Date.now() > deadline) throw new Error("the application takes no orders");
    await new Promise((later) => setTimeout(later, 50));
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

commandLine(
  "emergency:drill",
  "Plays the plan's two emergencies on a stack of its own, with the application under pm2 and under load; prints downtime and losses.",
)
  .addOption(new Option("--users <n>", "users of the sample data").argParser(wholeNumber()).default(1_000))
  .addOption(new Option("--orders <n>", "orders of the sample data").argParser(wholeNumber()).default(5_000))
  .option("--verbose", "show what the stages log")
  .action(drill)
  .parseAsync(process.argv)
  .catch(reportFailure);
