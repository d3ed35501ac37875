import type pg from "pg";
import type { TableShape } from "./shape.js";

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
const strongest = modes.length - 1;

/** A lock on a table that was there, which readers or writers wait for. */
export interface TableLock {
  readonly oid: number;
  /** `public.orders` */
  readonly table: string;
  readonly mode: string;
  /** Who waits, by the table "Conflicting Lock Modes" of PostgreSQL's manual. */
  readonly keepsOut: "readers and writers" | "writers";
}

/** The strongest lock on each table, by the table's number. */
export type Locks = ReadonlyMap<number, number>;

export function strongestOf(rows: readonly { readonly oid: number; readonly mode: string }[]): Locks {
  const found = new Map<number, number>();
  for (const { oid, mode } of rows) found.set(oid, Math.max(found.get(oid) ?? -1, modes.indexOf(mode)));
  return found;
}

/** The strongest lock that this session holds on each table; a transaction keeps all that it has taken. */
export async function readLocks(client: pg.ClientBase): Promise<Locks> {
  const { rows } = await client.query<{ oid: number; mode: string }>(
    `SELECT relation AS oid, mode FROM pg_catalog.pg_locks
      WHERE locktype = 'relation' AND granted AND pid = pg_catalog.pg_backend_pid() AND relation >= 16384`,
  );
  return strongestOf(rows);
}

/** What was taken between two looks and keeps others out; of tables that were there. */
export function takenLocks(shape: ReadonlyMap<number, TableShape>, before: Locks, after: Locks): TableLock[] {
  return [...after].flatMap(([oid, mode]) => {
    const name = modes[mode];
    if (!shape.has(oid) || name === undefined || mode <= harmless || mode <= (before.get(oid) ?? -1)) return [];
    const keepsOut = mode === strongest ? "readers and writers" : "writers";
    return [{ oid, table: nameOf(shape, oid), mode: name, keepsOut } as const];
  });
}

/** Numbers of the tables that are locked as what drops a table or a column of it locks them. */
export function lockedWhole(locks: Locks): number[] {
  return [...locks].filter(([, mode]) => mode === strongest).map(([oid]) => oid);
}

export function nameOf(shape: ReadonlyMap<number, TableShape>, oid: number): string {
  const table = shape.get(oid);
  return table === undefined ? String(oid) : `${table.schema}.${table.name}`;
}
