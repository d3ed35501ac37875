import { setTimeout as sleep } from "node:timers/promises";
import { Option } from "commander";
import { coloursFor } from "../../pipeline/colours.js";
import { PipelineError } from "../../pipeline/errors.js";
import type { Level } from "../../pipeline/log.js";
import { readEvidence } from "../../pipeline/report/evidence.js";
import { stopSignal } from "../../pipeline/stopSignal.js";
import { openStore } from "../../pipeline/store/open.js";
import type { Store } from "../../pipeline/store/store.js";
import { type Wanted, newLines } from "../report/logLines.js";
import { commandLine, stackOption } from "./commandLine.js";
import { reportFailure } from "./reportFailure.js";
import { readTarget } from "./target.js";
import { storeUrlOf } from "./there/place.js";

/** `npm run logs`: what the stages of a run logged, from the store; the newest run's, and on request those to come. */

interface Flags {
  readonly stack: string;
  readonly run?: string;
  readonly stage?: string;
  readonly logLevel: Level;
  readonly json?: boolean;
  readonly follow?: boolean;
}

/** How often the store is looked at while it is followed, in milliseconds. */
const everyMs = 1_000;

async function act({ stack, run, stage, logLevel, json = false, follow = false }: Flags): Promise<void> {
  const store = openStore(await storeUrlOf(readTarget(stack)));
  const wanted: Wanted = { level: logLevel, json, ...(stage === undefined ? {} : { stage }) };
  const colours = coloursFor(process.stdout.isTTY);
  const seen = new Map<string, number>();
  const print = async (name: string) => {
    for (const line of newLines(await readEvidence(store, stack, name), wanted, seen, colours))
      process.stdout.write(`${line}\n`);
  };
  const first = run ?? (await newestRun(store, stack));
  if (first === undefined) {
    if (!follow) throw nothingLogged(stack, run);
  } else {
    const { stages, open } = await readEvidence(store, stack, first);
    const names = [...stages, ...open].map(({ name }) => name);
    if (names.length === 0 && !follow) throw nothingLogged(stack, first);
    if (stage !== undefined && !names.includes(stage) && !follow) throw noSuchStage(first, stage, names);
    await print(first);
  }
  if (!follow) return;
  const signal = stopSignal();
  while (!signal.aborted) {
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    const next = run ?? (await newestRun(store, stack));
    if (next !== undefined && !signal.aborted) await print(next);
  }
}

/** The run whose first stage began last. Identifiers of runs sort by time; those that people named are looked into. */
async function newestRun(store: Store, environment: string): Promise<string | undefined> {
  const runs = (await store.list(environment)).filter((name) => name.endsWith("/")).map((name) => name.slice(0, -1));
  const dated = runs.filter((name) => /^\d{8}T\d{6}Z/.test(name)).sort();
  const others = runs.filter((name) => !dated.includes(name));
  const candidates = [...dated.slice(-1), ...others];
  const begun = await Promise.all(
    candidates.map(async (name) => {
      const { stages, open } = await readEvidence(store, environment, name);
      const began = open.map(({ log }) => Date.parse(log[0]?.time ?? ""));
      return { name, at: Math.max(0, ...[...stages.map(({ started }) => started), ...began].filter(Number.isFinite)) };
    }),
  );
  return begun.filter(({ at }) => at > 0).sort((a, b) => b.at - a.at)[0]?.name;
}

function nothingLogged(stack: string, run: string | undefined): PipelineError {
  return new PipelineError({
    code: "NO_RUN",
    kind: "usage",
    message:
      run === undefined ? `${stack} has no run in its store yet.` : `Run ${run} of ${stack} has no log in its store.`,
    state: "Nothing was touched.",
    next: "npm run report -- --all shows the runs that there are.",
  });
}

function noSuchStage(run: string, stage: string, names: readonly string[]): PipelineError {
  return new PipelineError({
    code: "NO_STAGE",
    kind: "usage",
    message: `Run ${run} has no log of a stage ${stage}; it has: ${names.join(", ")}.`,
    state: "Nothing was touched.",
    next: "Name one of these with --stage, or leave it out for all of them.",
  });
}

commandLine(
  "logs",
  "What the stages of a run logged, from the store; of a stage that is running, what it has logged up to a second ago (in S3: ten).",
)
  .addOption(stackOption())
  .option("--run <run>", "a run; default: the newest")
  .option("--stage <name>", "only this stage")
  .addOption(
    new Option("--log-level <level>", "lines of this level and above")
      .choices(["debug", "info", "warn", "error"])
      .default("info"),
  )
  .option("--json", "one JSON object a line")
  .option("--follow", "go on with the stages and runs to come, until stopped")
  .action((flags: Flags) => act(flags))
  .parseAsync(process.argv)
  .catch(reportFailure);
