import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ensureCluster, databaseOf } from "../../pipeline/local/cluster.js";
import { stopCluster } from "../../pipeline/local/stop.js";
import { createDatabase } from "../../pipeline/local/role.js";
import { silent } from "../../pipeline/log.js";
import { maintenanceDatabase, withClient } from "../../pipeline/postgres/connection.js";
import { readFolder } from "../../pipeline/risk/files.js";
import type { MigrationSource, Tier } from "../../pipeline/risk/types.js";
import { measure } from "../measure.js";
import { compare } from "./compare.js";
import { makeHistory } from "./history/make.js";
import { type Observed, observe } from "./oracle.js";
import { renderRiskBench } from "./render.js";
import { findSquawk, ours, parseOurs, runSquawk } from "./tools.js";

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

interface Measurement {
  readonly label: string;
  readonly migrations: readonly MigrationSource[];
  readonly least: ReadonlyMap<string, Tier>;
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
    for (const history of histories) reports.push(await one(history, folder, options, say));
    process.stdout.write(
      options.json ? `${JSON.stringify(reports)}\n` : `${reports.map(renderRiskBench).join("\n\n")}\n`,
    );
  } finally {
    await stopCluster(path.join(folder, "cluster"), { log: silent, signal: new AbortController().signal });
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws PipelineError (`usage`) where the folder cannot be read. */
function read(folder: string): Measurement {
  const migrations = readFolder(path.resolve(process.env["INIT_CWD"] ?? "", folder));
  if (migrations.length === 0) throw new Error(`there is no migration in ${folder}`);
  return { label: folder, migrations, least: new Map() };
}

async function make(
  { files, seed }: RiskBenchOptions,
  folder: string,
  say: (text: string) => void,
): Promise<Measurement> {
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

async function one(
  { label, migrations, least }: Measurement,
  folder: string,
  { repeat }: RiskBenchOptions,
  say: (text: string) => void,
) {
  const files = migrations.map((migration) => path.resolve(migration.path));
  say(`${label}: judging ${files.length} files, ${repeat} times …`);
  const run = (args: readonly string[]) => measure(ours.command, [...ours.args, ...args]);
  // The first run makes the bundle.
  await run(files.slice(0, 1));
  const whole = [];
  const start = [];
  for (let at = 0; at < repeat; at += 1) {
    whole.push(await run(files));
    start.push(await run(files.slice(0, 1)));
  }
  const bare = [];
  for (let at = 0; at < repeat; at += 1) bare.push(await measure(process.execPath, ["-e", "0"]));
  const found = findSquawk();
  const squawk = [];
  if ("program" in found) {
    for (let at = 0; at < repeat; at += 1) squawk.push(await runSquawk(found.program, files));
  } else say(`squawk is left out: ${found.missing}`);
  say(`${label}: replaying on PostgreSQL …`);
  const observed = await replay(migrations, folder);
  const [last] = squawk;
  return {
    label,
    files: files.length,
    seconds: {
      ours: median(whole.map(({ seconds }) => seconds)),
      start: median(start.map(({ seconds }) => seconds)),
      node: median(bare.map(({ seconds }) => seconds)),
      ...(last === undefined ? {} : { squawk: median(squawk.map(({ seconds }) => seconds)) }),
    },
    peakMegabytes: Math.max(...whole.map(({ peakBytes }) => peakBytes)) / 1e6,
    squawk: "program" in found ? found.version : found.missing,
    ...compare(migrations, {
      ours: parseOurs(whole[0]?.stdout ?? "[]"),
      squawk: last?.findings,
      observed,
      least,
    }),
  };
}

export type RiskReport = Awaited<ReturnType<typeof one>>;

async function replay(migrations: readonly MigrationSource[], folder: string): Promise<Observed[]> {
  const settings = {
    fsync: "off",
    synchronous_commit: "off",
    full_page_writes: "off",
    max_locks_per_transaction: "1024",
  };
  const context = { log: silent, signal: new AbortController().signal };
  const cluster = await ensureCluster({ directory: path.join(folder, "cluster"), settings, ...context });
  const use = { applicationName: "safe-migration bench" };
  await withClient(databaseOf(cluster, maintenanceDatabase), use, async (client) => {
    await client.query("DROP DATABASE IF EXISTS replay");
    await createDatabase(client, "replay", {});
  });
  return withClient(databaseOf(cluster, "replay"), use, (client) => observe(client, migrations));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}
