import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { stopCluster } from "../../pipeline/local/stop.js";
import { silent } from "../../pipeline/log.js";
import { readFolder } from "../../pipeline/risk/files.js";
import { makeHistory } from "./history/make.js";
import { type History, judge } from "./judge.js";
import { renderRiskBench } from "./render.js";

export interface RiskBenchOptions {
  /** Migrations of the made history. */
  readonly files: number;
  readonly seed: number;
  /** Migrations folders to take instead of a made history. */
  readonly history: readonly string[];
  /** Runs of each time; the median is shown. */
  readonly repeat: number;
  readonly json: boolean;
}

/**
 * The classifier beside squawk, on the same files in the same run, both held to what PostgreSQL does when the files are replayed.
 * Times are of whole processes, start to exit.
 */
export async function benchRisk(options: RiskBenchOptions): Promise<void> {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const folder = mkdtempSync(path.join(tmpdir(), "safe-migration-bench-"));
  try {
    const histories = options.history.length > 0 ? options.history.map(read) : [await make(options, folder, say)];
    const reports = [];
    for (const history of histories) reports.push(await judge(history, folder, options, say));
    process.stdout.write(
      options.json ? `${JSON.stringify(reports)}\n` : `${reports.map(renderRiskBench).join("\n\n")}\n`,
    );
  } finally {
    await stopCluster(path.join(folder, "cluster"), { log: silent, signal: new AbortController().signal });
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws PipelineError (`usage`) where the folder cannot be read. */
function read(folder: string): History {
  const migrations = readFolder(path.resolve(process.env["INIT_CWD"] ?? "", folder));
  if (migrations.length === 0) throw new Error(`there is no migration in ${folder}`);
  return { label: folder, migrations, least: new Map() };
}

async function make({ files, seed }: RiskBenchOptions, folder: string, say: (text: string) => void): Promise<History> {
  say(`making a history of ${files} migrations (seed ${seed}) …`);
  const made = await makeHistory(files, seed);
  const migrations = made.map(({ name, sql }) => {
    const file = path.join(folder, "history", name, "migration.sql");
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, sql);
    return { name, path: file, sql };
  });
  return { label: `made, seed ${seed}`, migrations, least: new Map(made.map(({ name, least }) => [name, least])) };
}
