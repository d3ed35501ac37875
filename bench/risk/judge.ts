import path from "node:path";
import { ensureCluster, databaseOf } from "../../pipeline/local/cluster.js";
import { createDatabase } from "../../pipeline/local/role.js";
import { silent } from "../../pipeline/log.js";
import { maintenanceDatabase, withClient } from "../../pipeline/postgres/connection.js";
import type { MigrationSource, Tier } from "../../pipeline/risk/types.js";
import { measure } from "../measure.js";
import { compare } from "./compare.js";
import { type Observed, observe } from "./oracle.js";
import { findSquawk, ours, parseOurs, runSquawk } from "./tools.js";

/** A history to judge, and what is known of it by its making. */
export interface History {
  readonly label: string;
  readonly migrations: readonly MigrationSource[];
  readonly least: ReadonlyMap<string, Tier>;
}

/** Both tools and PostgreSQL itself over one history. */
export async function judge(
  { label, migrations, least }: History,
  folder: string,
  { repeat }: { readonly repeat: number },
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

export type RiskReport = Awaited<ReturnType<typeof judge>>;

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
