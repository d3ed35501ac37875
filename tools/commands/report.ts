import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Option } from "commander";
import { coloursFor } from "../../pipeline/colours.js";
import type { Targets } from "../../pipeline/contracts.js";
import { PipelineError, messageOf } from "../../pipeline/errors.js";
import { type History, readHistory } from "../../pipeline/report/history.js";
import { renderHistoryPage } from "../../pipeline/report/html/history.js";
import { notesName, parseNotes, renderNotes } from "../../pipeline/report/notes.js";
import { writeRunPage } from "../../pipeline/report/write.js";
import { openStore } from "../../pipeline/store/open.js";
import type { Store } from "../../pipeline/store/store.js";
import { whoAmI } from "../approve/person.js";
import { describeHistory } from "../report/terminal.js";
import { commandLine, reason, stackOption, wholeNumber } from "./commandLine.js";
import { reportFailure } from "./reportFailure.js";
import { readTarget } from "./target.js";
import { storeUrlOf } from "./there/place.js";

/** `npm run report`: the runs of an environment from its store, against the aims; notes on a run. */

interface Flags {
  readonly stack: string;
  readonly days: number;
  readonly all?: boolean;
  readonly json?: boolean;
  readonly html?: string;
  readonly open?: boolean;
  readonly run?: string;
  readonly note?: string;
}

/** Runs that a terminal is shown without being asked for more. */
const fewRuns = 15;

async function act(flags: Flags): Promise<void> {
  const environment = flags.stack;
  const target = readTarget(environment);
  const { paths, config } = target;
  const { targets } = config;
  const store = openStore(await storeUrlOf(target));
  const history = await readHistory(store, environment, { days: flags.days, at: new Date(), targets });
  if (flags.note !== undefined || flags.run !== undefined)
    return ofRun(store, history, flags, { targets, root: paths.root });
  if (flags.html !== undefined) {
    const path = resolve(process.env["INIT_CWD"] ?? process.cwd(), flags.html);
    writePage(path, renderHistoryPage(history));
    process.stdout.write(`${path}\n`);
    if (flags.open === true) show(pathToFileURL(path).href);
    return;
  }
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify(history, null, 2)}\n`);
    return;
  }
  const colours = coloursFor(process.stdout.isTTY);
  process.stdout.write(describeHistory(history, flags.all === true ? Infinity : fewRuns, colours));
  const newest = history.runs.find(({ page }) => page !== undefined)?.page;
  if (flags.open === true && newest !== undefined) show(newest);
}

/** Writes one run's page again, with a note where one is given. */
async function ofRun(
  store: Store,
  history: History,
  flags: Flags,
  { targets, root }: { readonly targets: Targets; readonly root: string },
): Promise<void> {
  const { environment } = history;
  const wanted = flags.run ?? "newest";
  const found = wanted === "newest" ? history.runs[0] : history.runs.find(({ run }) => run === wanted);
  if (found === undefined) throw noRun(wanted, history);
  const text = flags.note?.trim();
  if (text !== undefined) {
    const path = `${environment}/${found.run}/${notesName}`;
    const note = { at: new Date().toISOString(), by: whoAmI(root), text };
    await store.write(path, renderNotes([...parseNotes(await store.read(path)), note]));
  }
  const page = await writeRunPage(store, environment, found.run, targets);
  process.stdout.write(`${flags.json === true ? JSON.stringify({ ...found, page }) : page}\n`);
  if (flags.open === true) show(page);
}

function writePage(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  } catch (error) {
    throw new PipelineError(
      {
        code: "REPORT_FILE",
        kind: "usage",
        message: `${path} cannot be written: ${messageOf(error)}.`,
        state: "Nothing was changed.",
        next: "Name another file: npm run report -- --html FILE",
      },
      { cause: error },
    );
  }
}

/** Opens a URL with what the desktop has for it; where there is no desktop, the URL has been printed. */
function show(url: string): void {
  const program = process.platform === "darwin" ? "open" : "xdg-open";
  const child = spawn(program, [url], { stdio: "ignore", detached: true });
  child.on("error", () => process.stderr.write(`${program} is not here: open ${url} by hand\n`));
  child.unref();
}

function noRun(wanted: string, { environment, runs }: History): PipelineError {
  const known = runs.slice(0, 5).map(({ run }) => run);
  return new PipelineError({
    code: "NO_RUN",
    kind: "usage",
    message: `There is no run ${wanted} of ${environment} in its store; the newest are: ${known.join(", ") || "none"}.`,
    state: "Nothing was written.",
    next: "Name one of these, or leave --run out for the newest. All: npm run report -- --all",
  });
}

commandLine(
  "report",
  "The runs of an environment from its store: how each ended, and all of them against the aims (targets).",
)
  .addOption(stackOption())
  .addOption(new Option("--days <n>", "the days that aims are counted over").argParser(wholeNumber(9_999)).default(30))
  .option("--all", `every run, not only the newest ${fewRuns}`)
  .option("--json", "print everything as one JSON object")
  .addOption(new Option("--html <file>", "write a page of all runs to a file").conflicts(["json", "run", "note"]))
  .option("--run <run>", "print where a run's page is, after writing it again; newest: of the newest run")
  .addOption(
    new Option(
      "--note <text>",
      "add a note to the run that --run names, else to the newest: what was learned",
    ).argParser(reason),
  )
  .option("--open", "open the page")
  .action((flags: Flags) => act(flags))
  .parseAsync(process.argv)
  .catch(reportFailure);
