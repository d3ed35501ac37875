import type pg from "pg";
import { z } from "zod";
import type { Migration } from "../prisma/migrations.js";
import { type ScriptPlan, type Statement, lineOf } from "../prisma/plan.js";
import type { Session } from "../prisma/session.js";
import { cannotBeTried } from "./clusterWide.js";
import { sendInCopy } from "./dropRole.js";
import { type TableShape, readShape } from "./shape.js";
import { inTrialTransaction } from "./trialTransaction.js";

/** One statement as it ran on the copy. */
export interface StatementEvidence {
  readonly line: number;
  readonly durationMs: number;
  /** Tables that were there before and which it locked, by the strongest mode: `public.orders AccessExclusiveLock`. */
  readonly locks: readonly string[];
  /** Tables whose rows it wrote anew, all of them. */
  readonly rewritten: readonly string[];
}

/** What a trial of a migration showed; the trial was rolled back. */
export interface Trial {
  readonly statements: readonly StatementEvidence[];
  /** Numbers of the tables that were there and whose rows it wrote to, changed the form of, or dropped. */
  readonly touched: ReadonlySet<number>;
  /** Catalogs of the whole cluster that it wrote to, also in a DO block or a function: `pg_authid`. */
  readonly shared: readonly string[];
  /** Lines of `DROP ROLE` that could not be tried on a copy; see `sendInCopy`. */
  readonly drops: readonly number[];
}

/** The statements of a file that may run in a transaction which is rolled back; `undefined` where they cannot be told apart. */
export function triable(plan: ScriptPlan): readonly Statement[] | undefined {
  // Alone is what cannot run in a transaction.
  if (plan.kind === "alone") return [];
  if (plan.kind === "statements" || (plan.kind === "transaction" && plan.parsed))
    return plan.statements.filter(({ node }) => !cannotBeTried(node));
  return undefined;
}

/**
 * Runs a migration statement by statement in a transaction that is rolled back: which tables it touches, also by triggers,
 * cascades and dynamic SQL, PostgreSQL itself tells by its counters, files and locks.
 *
 * @returns `undefined` for a migration that cannot be tried so, or that fails: the run that follows tells of it.
 */
export async function tryMigration(
  session: Session,
  migration: Pick<Migration, "plan" | "sql">,
  signal: AbortSignal,
): Promise<Trial | undefined> {
  const statements = triable(migration.plan);
  if (statements === undefined || migration.plan.kind === "alone") return undefined;
  return inTrialTransaction(session, signal, (client) =>
    observe(client, statements, migration.sql).catch(() => {
      signal.throwIfAborted();
      return undefined;
    }),
  );
}

/** Runs statements in the transaction that is open; what is told of tables may be of earlier statements of that transaction, too. */
export async function observe(client: pg.Client, parts: readonly Statement[], sql: string): Promise<Trial> {
  const before = await readShape(client);
  const sharedBefore = await readShared(client);
  const files = new Map<number, string | null>([...before].map(([oid, { file }]) => [oid, file]));
  const statements: StatementEvidence[] = [];
  const drops: number[] = [];
  for (const part of parts) {
    const known = await readLocks(client);
    const started = performance.now();
    const ran = await sendInCopy(client, part);
    const durationMs = Math.round(performance.now() - started);
    const line = lineOf(sql, part.offset);
    if (!ran) drops.push(line);
    const now = await readFiles(client);
    const rewritten = [...now].filter(([oid, file]) => files.has(oid) && files.get(oid) !== file);
    for (const [oid, file] of rewritten) files.set(oid, file);
    statements.push({
      line,
      durationMs,
      locks: describeLocks(before, known, await readLocks(client)),
      rewritten: rewritten.map(([oid]) => nameOf(before, oid)),
    });
  }
  const after = await readShape(client);
  const written = await readWritten(client);
  const touched = [...before.values()].filter((table) => {
    return written.has(table.oid) || changedForm(table, after.get(table.oid));
  });
  const shared = [...(await readShared(client))].filter(([name, rows]) => sharedBefore.get(name) !== rows);
  return { statements, touched: new Set(touched.map(({ oid }) => oid)), shared: shared.map(([name]) => name), drops };
}

/** Whether rows may have been lost or rewritten: what only adds columns, or renames, leaves them as they are. */
export function changedForm(before: TableShape, after: TableShape | undefined): boolean {
  if (after === undefined || after.file !== before.file) return true;
  const now = new Map(after.columns.map((column) => [column.number, column]));
  return before.columns.some(({ number, type }) => now.get(number)?.type !== type);
}

function nameOf(shape: ReadonlyMap<number, TableShape>, oid: number): string {
  const table = shape.get(oid);
  return table === undefined ? String(oid) : `${table.schema}.${table.name}`;
}

const fileRows = z.array(z.strictObject({ oid: z.int(), file: z.string().nullable() }));

async function readFiles(client: pg.ClientBase): Promise<Map<number, string | null>> {
  const { rows } = await client.query(
    "SELECT oid, pg_catalog.pg_relation_filenode(oid)::text AS file FROM pg_catalog.pg_class WHERE relkind = 'r' AND oid >= 16384",
  );
  return new Map(fileRows.parse(rows).map(({ oid, file }) => [oid, file]));
}

/** Counts of this transaction, which tell of rows written by whatever way. */
async function readWritten(client: pg.ClientBase): Promise<Set<number>> {
  const { rows } = await client.query<{ oid: number }>(
    "SELECT relid AS oid FROM pg_catalog.pg_stat_xact_user_tables WHERE n_tup_ins + n_tup_upd + n_tup_del > 0",
  );
  return new Set(rows.map(({ oid }) => oid));
}

/**
 * Rows of the cluster's own catalogs that this transaction wrote, by the catalog. All but the one that tells which objects depend
 * on roles: it is written to for objects of this database, too.
 */
async function readShared(client: pg.ClientBase): Promise<Map<string, number>> {
  const { rows } = await client.query<{ name: string; rows: number }>(
    `SELECT s.relname AS name, (n_tup_ins + n_tup_upd + n_tup_del)::float8 AS rows
      FROM pg_catalog.pg_stat_xact_sys_tables s JOIN pg_catalog.pg_class c ON c.oid = s.relid
      WHERE c.relisshared AND c.relkind = 'r' AND c.relname <> 'pg_shdepend' AND n_tup_ins + n_tup_upd + n_tup_del > 0`,
  );
  return new Map(rows.map(({ name, rows: count }) => [name, count]));
}

/** From the weakest to the strongest. */
const modes = [
  "AccessShareLock",
  "RowShareLock",
  "RowExclusiveLock",
  "ShareUpdateExclusiveLock",
  "ShareLock",
  "ShareRowExclusiveLock",
  "ExclusiveLock",
  "AccessExclusiveLock",
];
/** What neither a reader nor a writer of the application waits for. */
const harmless = modes.indexOf("ShareUpdateExclusiveLock");

type Locks = ReadonlyMap<number, number>;

/** The strongest lock that this session holds on each table; a transaction keeps all that it has taken. */
async function readLocks(client: pg.ClientBase): Promise<Locks> {
  const { rows } = await client.query<{ oid: number; mode: string }>(
    `SELECT relation AS oid, mode FROM pg_catalog.pg_locks
      WHERE locktype = 'relation' AND granted AND pid = pg_catalog.pg_backend_pid() AND relation >= 16384`,
  );
  const strongest = new Map<number, number>();
  for (const { oid, mode } of rows) strongest.set(oid, Math.max(strongest.get(oid) ?? -1, modes.indexOf(mode)));
  return strongest;
}

function describeLocks(shape: ReadonlyMap<number, TableShape>, before: Locks, after: Locks): string[] {
  return [...after].flatMap(([oid, mode]) => {
    const taken = shape.has(oid) && mode > harmless && mode > (before.get(oid) ?? -1);
    return taken ? [`${nameOf(shape, oid)} ${modes[mode]}`] : [];
  });
}
