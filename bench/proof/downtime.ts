import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { z } from "zod";
import { migrateResult, restoreResult } from "../../pipeline/contracts.js";
import { sampleBaseline } from "../../pipeline/local/sample.js";
import { withClient } from "../../pipeline/postgres/connection.js";
import { type LoadSeen, startLoad } from "../../test/support/application/load.js";
import { spawnApplication } from "../../test/support/application/spawn.js";
import { stockPrismaFor } from "../../tools/prisma/stock.js";
import { measure } from "../measure.js";
import { type SampleDatabase, onMaintenance, root } from "../sample.js";
import { type Project, requestOf, runStage } from "./stage.js";

/**
 * What readers and writers of an application see while a migration is applied: by `migrate` as a process of its own, behind a real backup
 * and rehearsal, and by plain `prisma migrate deploy` (the stock CLI, its engine by this project's shim). One statement each, so that
 * it does not matter how a tool parts a file.
 */

/** An answer later than this counts as refused, in milliseconds. */
export const refusedAfterMs = 1_000;
export const perSecond = 50;

interface Scenario {
  readonly what: string;
  readonly sql: string;
  /** Somebody reads the table in a transaction for so long, in milliseconds, from just before the migration begins. */
  readonly heldMs?: number;
  /** That transaction outlasts the migration's patience, which is one try. */
  readonly stays?: boolean;
}

const scenarios: readonly Scenario[] = [
  { what: "safe: ADD COLUMN", sql: "ALTER TABLE orders ADD COLUMN bench_note text;" },
  { what: "risky: a type that rewrites the table", sql: "ALTER TABLE orders ALTER COLUMN total TYPE numeric(14, 4);" },
  {
    what: "blocked: ADD COLUMN, a report reads the table for 30 s",
    sql: "ALTER TABLE orders ADD COLUMN bench_note text;",
    heldMs: 30_000,
  },
  {
    what: "blocked for good: ADD COLUMN, one try, a report that stays (15 s)",
    sql: "ALTER TABLE orders ADD COLUMN bench_note text;",
    heldMs: 15_000,
    stays: true,
  },
];

export interface Downtime {
  readonly what: string;
  readonly tool: string;
  /** How it ended, in a word. */
  readonly outcome: string;
  readonly seconds: number;
  readonly seen: Omit<LoadSeen, "acknowledged" | "unknown">;
}

interface Tool {
  readonly name: string;
  /** What comes before, and is not looked at. @returns what applies the migration. */
  prepare(
    sample: SampleDatabase,
    project: Project,
    oneTry: boolean,
  ): Promise<() => Promise<{ seconds: number; outcome: string }>>;
}

const failed = z.object({ error: z.object({ code: z.string() }) });

const ours: Tool = {
  name: "safe-migration",
  async prepare(sample, project, oneTry) {
    const request = requestOf(sample, project, oneTry ? { lockRetries: 0 } : {});
    const { printed: backup } = await runStage(sample, "backup", request);
    const { printed: rehearsal } = await runStage(sample, "rehearse", { ...request, backup });
    return async () => {
      const { seconds, exitCode, printed } = await runStage(sample, "migrate", { ...request, backup, rehearsal }, true);
      if (exitCode !== 0) return { seconds, outcome: failed.parse(printed).error.code };
      const attempts = migrateResult.parse(printed).applied.at(-1)?.attempts ?? 0;
      return { seconds, outcome: `applied, attempt ${attempts}` };
    };
  },
};

const plain: Tool = {
  name: "prisma migrate deploy",
  prepare({ database }, project) {
    const { command, args, env, cwd } = stockPrismaFor({ environment: "local", database, project });
    return Promise.resolve(async () => {
      const { seconds, exitCode } = await measure(command, [...args, "migrate", "deploy"], { env, cwd, mayFail: true });
      return { seconds, outcome: exitCode === 0 ? "applied" : `exit code ${exitCode}` };
    });
  },
};

/** @param sample its database is the template of those that are migrated, and is not changed. */
export async function downtimes(sample: SampleDatabase, say: (text: string) => void): Promise<Downtime[]> {
  const rows: Downtime[] = [];
  for (const scenario of scenarios)
    for (const tool of [ours, plain]) {
      sample.signal.throwIfAborted();
      say(`${scenario.what}: ${tool.name} …`);
      rows.push(await inCopy(sample, scenario.sql, (copy, project) => measureOne(copy, project, scenario, tool)));
    }
  say("a restore under load …");
  rows.push(await inCopy(sample, "SELECT 1;", measureRestore));
  return rows;
}

async function measureOne(
  copy: SampleDatabase,
  project: Project,
  { what, heldMs, stays = false }: Scenario,
  tool: Tool,
): Promise<Downtime> {
  const apply = await tool.prepare(copy, project, stays);
  return underLoad(copy, async () => {
    const held = heldMs === undefined ? undefined : hold(copy, heldMs);
    const { seconds, outcome } = await apply();
    await held;
    return { what, tool: tool.name, seconds, outcome };
  });
}

/** From the moment at which its sessions are ended until they are made anew, the application is refused. */
async function measureRestore(copy: SampleDatabase, project: Project): Promise<Downtime> {
  const { printed } = await runStage(copy, "backup", requestOf(copy, project));
  const { id } = z.object({ id: z.string() }).parse(printed);
  return underLoad(copy, async () => {
    const { seconds, printed: restored } = await runStage(copy, "restore", { ...requestOf(copy, project), backup: id });
    const { swapMs } = restoreResult.parse(restored);
    const outcome = `restored, ${swapMs} ms without a database`;
    return { what: "restore in the database's place", tool: "safe-migration", seconds, outcome };
  });
}

/** The application in a process of its own, and its readers and writers in this one, for a while before and after the work too. */
async function underLoad(
  { database, signal }: SampleDatabase,
  work: () => Promise<Omit<Downtime, "seen">>,
): Promise<Downtime> {
  const application = await spawnApplication(database);
  try {
    const rates = { readsPerSecond: perSecond, writesPerSecond: perSecond };
    const load = startLoad({ url: application.url, ...rates, refusedAfterMs, timeoutMs: 120_000, prefix: "b" });
    let done: Omit<Downtime, "seen">;
    try {
      await sleep(1_000, undefined, { signal });
      done = await work();
      await sleep(1_000, undefined, { signal });
    } catch (error) {
      await load.stop();
      throw error;
    }
    const { acknowledged: _acknowledged, unknown: _unknown, ...seen } = await load.stop();
    return { ...done, seen };
  } finally {
    await application.stop();
  }
}

/** A report that reads the table in one long transaction. */
async function hold({ database }: SampleDatabase, ms: number): Promise<void> {
  await withClient(database, { applicationName: "a slow report" }, async (client) => {
    await client.query("BEGIN; SELECT count(*) FROM orders");
    await sleep(ms);
    await client.query("COMMIT");
  });
}

let projects = 0;

/** A database with the sample's data as its first migrations left it, and one pending migration. */
async function inCopy<T>(
  sample: SampleDatabase,
  sql: string,
  work: (copy: SampleDatabase, project: Project) => Promise<T>,
): Promise<T> {
  const name = `copy_${++projects}`;
  const [copied, from] = [name, sample.database.name].map((one) => pg.escapeIdentifier(one));
  const database = { ...sample.database, name };
  await onMaintenance(database, async (client) => {
    await client.query(`CREATE DATABASE ${copied} TEMPLATE ${from} OWNER bench_owner`);
    await client.query(`ALTER DATABASE ${copied} SET safe_migration.environment = 'local'`);
  });
  const folder = join(sample.folder, name);
  const project = { schema: join(folder, "schema.prisma"), migrations: join(folder, "migrations") };
  await mkdir(join(project.migrations, "29990101000000_bench"), { recursive: true });
  await cp(join(root, "prisma/schema.prisma"), project.schema);
  await cp(join(root, "prisma/migrations"), project.migrations, {
    recursive: true,
    filter: (source) => !/\/\d{14}_[^/]+$/.test(source) || source.slice(source.lastIndexOf("/") + 1) <= sampleBaseline,
  });
  await writeFile(join(project.migrations, "29990101000000_bench", "migration.sql"), sql);
  try {
    // A store of its own: an environment has one database.
    return await work({ ...sample, folder, database }, project);
  } finally {
    await onMaintenance(database, (client) => client.query(`DROP DATABASE ${copied} WITH (FORCE)`));
  }
}
