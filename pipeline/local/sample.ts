import pg from "pg";
import type { StageContext } from "../context.js";
import type { Database, Project } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import { sqlState, withClient } from "../postgres/connection.js";
import { withAdvisoryLock } from "../prisma/advisoryLock.js";
import { MigrationFailure, applyMigration, clearFailed } from "../prisma/apply.js";
import { type HistoryRow, historyTable, isProvedUnchanged, readHistory } from "../prisma/history.js";
import { readMigrations, type Migration } from "../prisma/migrations.js";
import { generate, sampleTables } from "./sampleData.js";
import { defaultSize, type SampleSize } from "./sampleSize.js";

export { sizeFor, type SampleSize } from "./sampleSize.js";

/**
 * The last migration of the shipped history that a new database gets with its sample data. Those after it are left for the
 * pipeline, so that the first run has both something to apply and something to lose.
 */
export const sampleBaseline = "20250616074500_updated_at_and_open_orders";

/** How long to wait for another run that migrates, and for locks, in milliseconds; a new database has no other sessions. */
const waitMs = 30_000;

export interface SampleOptions extends StageContext, Partial<SampleSize> {
  /** Name of the last migration to apply before the data. @default `sampleBaseline` */
  readonly upTo?: string;
}

/** `filled`: by this call; `kept`: left as it is, for the reason given. */
export type SampleResult =
  | { readonly state: "filled"; readonly users: number; readonly orders: number }
  | { readonly state: "kept"; readonly reason: string };

/** What is in a database, as far as it decides whether sample data may go there. */
export interface Contents {
  readonly history: readonly Pick<HistoryRow, "id" | "name" | "finishedAt" | "rolledBackAt" | "logs">[];
  /** Tables, views and sequences besides Prisma's history, of all schemas. */
  readonly relations: number;
  /** Whether any table holds a row. */
  readonly anyRow: boolean;
}

/**
 * Why a database must be left as it is, or `undefined` for one that is new or whose first start was interrupted. Whoever
 * has emptied their tables has applied more than the baseline, or used the sequences by which that is known.
 */
export function reasonToKeep(contents: Contents, baseline: readonly Pick<Migration, "name">[]): string | undefined {
  const { history, relations, anyRow } = contents;
  const names = new Set(baseline.map(({ name }) => name));
  if (anyRow) return "it holds data";
  if (history.length === 0) return relations === 0 ? undefined : "it has tables that no migration of this project made";
  const beyond = history.find(({ name }) => !names.has(name));
  if (beyond !== undefined) return `${beyond.name}, which comes after the sample data, is in its history`;
  const broken = history.find((row) => row.finishedAt === null && row.rolledBackAt === null && !isProvedUnchanged(row));
  if (broken !== undefined) return `${broken.name} has failed, and it is not proved that it changed nothing`;
  return undefined;
}

/**
 * Fills a new database: the first migrations of the history and, in one transaction, the sample's data. An interrupted
 * call is gone on with by the next; a database that holds, or held, data of its own is left as it is.
 *
 * @throws PipelineError
 */
export async function ensureSample(
  database: Database,
  project: Pick<Project, "schema" | "migrations">,
  options: SampleOptions,
): Promise<SampleResult> {
  const { log, upTo = sampleBaseline, users = defaultSize.users, orders = defaultSize.orders } = options;
  requireSize({ users, orders });
  const folder = await readMigrations(project.migrations);
  const last = folder.migrations.findIndex(({ name }) => name === upTo);
  if (last < 0) throw otherProject(project.migrations, upTo);
  const baseline = folder.migrations.slice(0, last + 1);

  return withAdvisoryLock(database, waitMs, async () => {
    const contents = await withClient(database, { applicationName: "safe-migration sample" }, readContents);
    const reason = reasonToKeep(contents, baseline);
    if (reason !== undefined) {
      log.info(`The database "${database.name}" is left as it is: ${reason}.`);
      return { state: "kept", reason };
    }
    await applyBaseline(database, project, baseline, contents, options);
    const started = Date.now();
    await fill(database, { users, orders }, options);
    log.info(`Sample data: ${users} users, ${orders} orders.`, { ms: Date.now() - started });
    return { state: "filled", users, orders };
  });
}

async function applyBaseline(
  database: Database,
  project: Pick<Project, "schema" | "migrations">,
  baseline: readonly Migration[],
  { history }: Contents,
  { log, signal }: StageContext,
): Promise<void> {
  const folder = await readMigrations(project.migrations);
  for (const row of history) if (isProvedUnchanged(row)) await clearFailed(database, project, row.name);
  const applied = new Set(history.filter(({ finishedAt }) => finishedAt !== null).map(({ name }) => name));
  for (const [at, { name }] of baseline.entries()) {
    if (applied.has(name)) continue;
    if (signal.aborted) throw interrupted(database);
    log.progress(`first migrations: ${name}`, at / baseline.length);
    const limits = { lockTimeoutMs: waitMs, statementTimeoutMs: 0 };
    try {
      await applyMigration(database, project, folder, name, { ...limits, log, signal });
    } catch (error) {
      if (!(error instanceof MigrationFailure)) throw error;
      if (error.rolledBackWhole) await clearFailed(database, project, name);
      throw signal.aborted ? interrupted(database) : failed(database, name, error);
    }
  }
}

async function fill(database: Database, size: SampleSize, { log, signal }: StageContext): Promise<void> {
  const options = {
    applicationName: "safe-migration sample",
    ...(database.migrateAs === undefined ? {} : { role: database.migrateAs }),
  };
  await withClient(database, options, async (client) => {
    await client.query("BEGIN");
    try {
      await generate(
        client,
        size,
        (message, fraction) => log.progress(message, fraction),
        () => {
          if (signal.aborted) throw interrupted(database);
        },
      );
      await client.query("COMMIT");
    } catch (error) {
      await client.query("ROLLBACK").catch(() => undefined);
      throw error instanceof PipelineError ? error : failed(database, "the sample data", error);
    }
    await client.query(`ANALYZE ${sampleTables.join(", ")}`);
  });
}

/** What is in the database; tables are looked into only until one row is found. */
async function readContents(client: pg.Client): Promise<Contents> {
  const history = await readHistory(client);
  const { rows } = await client.query<{ schema: string; name: string; kind: string; used: boolean }>(
    `SELECT n.nspname AS schema, c.relname AS name, c.relkind AS kind, s.last_value IS NOT NULL AS used
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN pg_sequences s ON s.schemaname = n.nspname AND s.sequencename = c.relname
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        AND c.relname <> $1`,
    [historyTable],
  );
  let anyRow = rows.some(({ used }) => used);
  for (const { schema, name, kind } of rows) {
    if (anyRow || (kind !== "r" && kind !== "p")) continue;
    const table = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
    const found = await client.query<{ any: boolean }>(`SELECT EXISTS (SELECT FROM ${table}) AS any`);
    anyRow = found.rows[0]?.any === true;
  }
  return { history, relations: rows.length, anyRow };
}

/** Identifiers of orders' items are 32 bits wide, and each order takes four. */
const maxOrders = 500_000_000;

function requireSize({ users, orders }: SampleSize): void {
  const wrong =
    !Number.isInteger(users) || users < 1
      ? `users: ${users}; allowed is an integer from 1`
      : !Number.isInteger(orders) || orders < 0 || orders > maxOrders
        ? `orders: ${orders}; allowed is an integer from 0 to ${maxOrders}`
        : undefined;
  if (wrong === undefined) return;
  throw new PipelineError({
    code: "SAMPLE_SIZE",
    kind: "usage",
    message: `The size of the sample data is wrong: ${wrong}.`,
    state: "Nothing was touched.",
    next: "Mend it in the stack's configuration, then run: npm start",
  });
}

function otherProject(migrations: string, upTo: string): PipelineError {
  return new PipelineError({
    code: "SAMPLE_BASELINE",
    kind: "usage",
    message: `Sample data is made on the migrations up to ${upTo}, and ${migrations} has none of that name; the data is for the shipped project only.`,
    state: "Nothing was touched.",
    next: "Set sample.enabled to false in the stack's configuration, then run: npm start",
  });
}

function failed(database: Database, what: string, error: unknown): PipelineError {
  const full = sqlState(error) === "53100";
  return new PipelineError(
    {
      code: full ? "DISK_FULL" : "SAMPLE",
      kind: "failedUnchanged",
      message: `The new database "${database.name}" could not be filled: ${what}: ${messageOf(error)}.`,
      state: "What had begun was rolled back; the next start goes on from there.",
      next: full ? "Free space on the disk, then run: npm start" : "Mend that, then run: npm start",
    },
    { cause: error },
  );
}

function interrupted(database: Database): PipelineError {
  return new PipelineError({
    code: "INTERRUPTED",
    kind: "interrupted",
    message: `Stopped while filling the new database "${database.name}".`,
    state: "What had begun was rolled back; the next start goes on from there.",
    next: "npm start",
  });
}
