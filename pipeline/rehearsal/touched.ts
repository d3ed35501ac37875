import type pg from "pg";
import { z } from "zod";
import type { Migration } from "../prisma/migrations.js";
import { type ScriptPlan, type Statement, lineOf } from "../prisma/plan.js";
import type { Session } from "../prisma/session.js";
import { cannotBeTried } from "./clusterWide.js";
import { sendInCopy } from "./dropRole.js";
import { type TableLock, lockedWhole, nameOf, readLocks, takenLocks } from "./locks.js";
import { type ColumnShape, type TableShape, readShape } from "./shape.js";
import { inTrialTransaction } from "./trialTransaction.js";

/** One statement as it ran on the copy. */
export interface StatementEvidence {
  /** 0: the migration as a whole. */
  readonly line: number;
  readonly durationMs: number;
  /** How long what it locked stayed locked, in milliseconds: to the end of the transaction. */
  readonly heldMs: number;
  /** What it locked, of tables that were there before, and others wait for. */
  readonly locks: readonly TableLock[];
  /** Tables whose rows it wrote anew, all of them, with their size then. */
  readonly rewritten: readonly { readonly table: string; readonly bytes: number }[];
  /** Tables and columns that were there before and that it dropped: `public.carts`, `public.users.phone`. */
  readonly dropped: readonly string[];
}

/** What a trial of a migration showed; the trial was rolled back. */
export interface Trial {
  readonly statements: readonly StatementEvidence[];
  /** Numbers of the tables that were there and whose rows it wrote to, changed the form of, or dropped. */
  readonly touched: ReadonlySet<number>;
  /** Of those, the partitions that it took out of their table, and that are there by themselves. */
  readonly detached: ReadonlySet<number>;
  /** It wrote to large objects. */
  readonly largeObjects: boolean;
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
    observe(client, statements, migration.sql, migration.plan.kind === "statements").catch(() => {
      signal.throwIfAborted();
      return undefined;
    }),
  );
}

/**
 * Runs statements in the transaction that is open; what is told of tables may be of earlier statements of that transaction, too.
 *
 * @param oneByOne they do not run in one transaction when the migration is applied: what one locks, it locks for itself.
 */
export async function observe(
  client: pg.Client,
  parts: readonly Statement[],
  sql: string,
  oneByOne = false,
): Promise<Trial> {
  const before = await readShape(client);
  const sharedBefore = await readShared(client);
  const files = new Map<number, string | null>([...before].map(([oid, { file }]) => [oid, file]));
  const gone = new Set<string>();
  const statements: StatementEvidence[] = [];
  const drops: number[] = [];
  for (const part of parts) {
    const known = await readLocks(client);
    const started = performance.now();
    const ran = await sendInCopy(client, part);
    const durationMs = Math.round(performance.now() - started);
    const line = lineOf(sql, part.offset);
    if (!ran) drops.push(line);
    const locks = await readLocks(client);
    const rewritten = (await readFiles(client)).filter(({ oid, file }) => files.has(oid) && files.get(oid) !== file);
    for (const { oid, file } of rewritten) files.set(oid, file);
    const dropped = (await readDropped(client, before, lockedWhole(locks))).filter((name) => !gone.has(name));
    for (const name of dropped) gone.add(name);
    statements.push({
      line,
      durationMs,
      heldMs: durationMs,
      locks: takenLocks(before, known, locks),
      rewritten: await readSizes(client, before, rewritten),
      dropped,
    });
  }
  const after = await readShape(client);
  const written = await readWritten(client);
  const touched = [...before.values()].filter((table) => {
    return written.has(table.oid) || changedForm(table, after.get(table.oid));
  });
  const shared = [...(await readShared(client))].filter(([name, rows]) => sharedBefore.get(name) !== rows);
  return {
    statements: oneByOne ? statements : heldToTheEnd(statements),
    touched: new Set(touched.map(({ oid }) => oid)),
    detached: new Set(touched.filter((table) => isDetached(table, after.get(table.oid))).map(({ oid }) => oid)),
    largeObjects: await wroteLargeObjects(client),
    shared: shared.map(([name]) => name),
    drops,
  };
}

function heldToTheEnd(statements: readonly StatementEvidence[]): StatementEvidence[] {
  let heldMs = 0;
  return statements
    .toReversed()
    .map((one) => ({ ...one, heldMs: (heldMs += one.durationMs) }))
    .toReversed();
}

/** Whether rows may have been lost or rewritten: what only adds columns, or renames, leaves them as they are. */
export function changedForm(before: TableShape, after: TableShape | undefined): boolean {
  if (after === undefined || after.file !== before.file || isDetached(before, after)) return true;
  const now = new Map(after.columns.map((column) => [column.number, column]));
  return before.columns.some(({ number, type, made }) => {
    const column = now.get(number);
    return column?.type !== type || (made !== null && remade(made, column.made));
  });
}

function isDetached(before: TableShape, after: TableShape | undefined): boolean {
  return after !== undefined && !before.partOf.every((oid) => after.partOf.includes(oid));
}

/** Whether values may be other ones by their type alone: a value of an enum that has another name, an attribute more or less. */
function remade(before: NonNullable<ColumnShape["made"]>, after: ColumnShape["made"]): boolean {
  return (
    !before.labels.every((label) => after?.labels.includes(label) === true) ||
    before.attributes.join() !== (after?.attributes.join() ?? "")
  );
}

const fileRows = z.array(z.strictObject({ oid: z.int(), file: z.string().nullable() }));

async function readFiles(client: pg.ClientBase) {
  const { rows } = await client.query(
    "SELECT oid, pg_catalog.pg_relation_filenode(oid)::text AS file FROM pg_catalog.pg_class WHERE relkind = 'r' AND oid >= 16384",
  );
  return fileRows.parse(rows);
}

/** Tables with their sizes in bytes, out-of-line values included. */
async function readSizes(
  client: pg.ClientBase,
  before: ReadonlyMap<number, TableShape>,
  tables: readonly { readonly oid: number }[],
): Promise<{ table: string; bytes: number }[]> {
  if (tables.length === 0) return [];
  const { rows } = await client.query<{ oid: number; bytes: number }>(
    "SELECT oid, pg_catalog.pg_table_size(oid)::float8 AS bytes FROM unnest($1::oid[]) AS t(oid)",
    [tables.map(({ oid }) => oid)],
  );
  return rows.map(({ oid, bytes }) => ({ table: nameOf(before, oid), bytes }));
}

/** What is no longer there of these tables and their columns. */
async function readDropped(
  client: pg.ClientBase,
  before: ReadonlyMap<number, TableShape>,
  oids: readonly number[],
): Promise<string[]> {
  const tables = oids.flatMap((oid) => before.get(oid) ?? []);
  if (tables.length === 0) return [];
  const { rows } = await client.query<{ oid: number; number: number | null }>(
    `SELECT c.oid, a.attnum AS number FROM pg_catalog.pg_class c
      LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      WHERE c.oid = ANY ($1::oid[])`,
    [tables.map(({ oid }) => oid)],
  );
  return tables.flatMap(({ oid, columns, schema, name }) => {
    const there = rows.filter((row) => row.oid === oid);
    if (there.length === 0) return [`${schema}.${name}`];
    const numbers = new Set(there.map(({ number }) => number));
    return columns.filter(({ number }) => !numbers.has(number)).map((column) => `${schema}.${name}.${column.name}`);
  });
}

/** Counts of this transaction, which tell of rows written by whatever way. */
async function readWritten(client: pg.ClientBase): Promise<Set<number>> {
  const { rows } = await client.query<{ oid: number }>(
    "SELECT relid AS oid FROM pg_catalog.pg_stat_xact_user_tables WHERE n_tup_ins + n_tup_upd + n_tup_del > 0",
  );
  return new Set(rows.map(({ oid }) => oid));
}

async function wroteLargeObjects(client: pg.ClientBase): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_catalog.pg_stat_xact_sys_tables
      WHERE relname IN ('pg_largeobject', 'pg_largeobject_metadata') AND n_tup_ins + n_tup_upd + n_tup_del > 0`,
  );
  return rowCount !== 0;
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
