import pg from "pg";
import { z } from "zod";
import type { Database } from "../contracts.js";
import { sqlState, withClient } from "./connection.js";
import { exportSnapshot } from "./fingerprint.js";
import { listTableNames, type DataTable } from "./fingerprintCatalogue.js";
import { readRefused, lockTimedOut } from "./readErrors.js";
import { openReader, stoppable } from "./readSession.js";
import { endingOf, heldByPrepared } from "./sessions.js";

/** A moment of a database, held open so that several programs can read it. */
export interface HeldSnapshot {
  readonly id: string;
  /** A session at that moment; its transaction must stay open as long as others are to join. */
  readonly client: pg.Client;
  release(): Promise<void>;
}

/** How often the tables are listed anew because one was dropped before it could be locked. */
const attempts = 3;
/** Tables in one LOCK statement. */
const batchSize = 500;

/**
 * Locks every table against being changed in form, then takes the snapshot. In this order: what TRUNCATE or a rewrite does
 * after a snapshot is not undone for it (the table looks empty, manual chapter "Caveats" of concurrency control), and a
 * backup without the rows would be taken for a good one.
 *
 * @throws PipelineError naming who is in the way, if a table is held exclusively for longer than `lockTimeoutMs`.
 */
export async function holdSnapshot(
  database: Database,
  options: { lockTimeoutMs: number; applicationName: string; signal: AbortSignal },
): Promise<HeldSnapshot> {
  const client = await openReader(database, options.applicationName, options);
  try {
    await stoppable(database, client, options.signal, () => beginLocked(database, client, options.lockTimeoutMs));
    return { id: await exportSnapshot(client), client, release: () => client.end().catch(() => undefined) };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

/** Begins a transaction that holds every table, and has taken no snapshot yet. */
async function beginLocked(database: Database, client: pg.Client, lockTimeoutMs: number): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const tables = await listTableNames(client);
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    try {
      // Nothing but LOCK may run here: any query would take the snapshot.
      await lockTables(client, tables, database, lockTimeoutMs);
      return;
    } catch (error) {
      await client.query("ROLLBACK");
      // 42P01: dropped since it was listed.
      if (sqlState(error) !== "42P01" || attempt === attempts) throw error;
    }
  }
}

async function lockTables(
  client: pg.Client,
  tables: readonly DataTable[],
  database: Database,
  lockTimeoutMs: number,
): Promise<void> {
  for (let from = 0; from < tables.length; from += batchSize) {
    const part = tables.slice(from, from + batchSize);
    const names = part.map(({ schema, name }) => `ONLY ${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`);
    try {
      await client.query(`LOCK TABLE ${names.join(", ")} IN ACCESS SHARE MODE`);
    } catch (error) {
      if (sqlState(error) === "42501") throw readRefused("A table", error);
      if (sqlState(error) === "55P03") throw await blockedError(database, lockTimeoutMs, error);
      throw error;
    }
  }
}

/** The failure of a lock that was not had in time, with who stands in the way now. */
export async function blockedError(database: Database, lockTimeoutMs: number, cause: unknown) {
  const blockers = await withClient(database, { applicationName: "safe-migration blockers" }, findTableHolders);
  const tables = [...new Set(blockers.map(({ table }) => table))];
  return lockTimedOut(
    tables.length > 0 ? tables.join(", ") : "A table",
    lockTimeoutMs,
    blockers.map(({ pid, role, application, since, state, prepared }) =>
      prepared === null
        ? `pid ${pid} (${role}, ${application === "" ? "no application name" : application}, ${state}, since ${since})`
        : `prepared transaction ${pg.escapeLiteral(prepared)} (${role}, since ${since}; ${endingOf([{ pid, prepared }])})`,
    ),
    cause,
  );
}

const blockerRows = z.array(
  z.strictObject({
    pid: z.int(),
    role: z.string(),
    application: z.string(),
    state: z.string(),
    since: z.string(),
    table: z.string(),
    /** Identifier of a prepared transaction, which no session has. */
    prepared: z.string().nullable(),
  }),
);

/** Sessions that hold or wait for a table exclusively. Their SQL is left out: it may hold data. */
async function findTableHolders(client: pg.ClientBase): Promise<z.infer<typeof blockerRows>> {
  const { rows } = await client.query(`
    SELECT coalesce(a.pid, 0) AS pid, coalesce(a.usename, p.owner, '?') AS role, coalesce(a.application_name, '') AS application,
      coalesce(a.state, 'unknown') AS state, to_char(coalesce(a.xact_start, a.backend_start, p.prepared), 'YYYY-MM-DD HH24:MI:SS') AS since,
      l.relation::regclass::text AS "table", p.gid AS prepared
    FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
      LEFT JOIN pg_prepared_xacts p ON ${heldByPrepared("l")}
    WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.relation >= 16384 AND (a.pid IS NOT NULL OR p.gid IS NOT NULL)
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND a.pid IS DISTINCT FROM pg_backend_pid()
    ORDER BY l.granted DESC, since LIMIT 20`);
  return blockerRows.parse(rows);
}
