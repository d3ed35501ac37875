import type pg from "pg";
import { withoutLiterals } from "./withoutLiterals.js";

/** A session that is, or may come to be, in somebody's way. */
export interface Session {
  readonly pid: number;
  readonly application: string;
  readonly user: string;
  readonly state: string;
  /** Age of its transaction in seconds. */
  readonly seconds: number;
  /** Its last query; shown by {@link describeSession} without the values in it. */
  readonly query: string;
  /** None of an application's: PostgreSQL's own, such as autovacuum. */
  readonly background?: boolean;
}

const columns = `a.pid, a.application_name AS application, coalesce(a.usename, '') AS "user", coalesce(a.state, '') AS state,
  coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::int AS seconds, a.query, a.usesysid IS NULL AS background`;

/** Sessions of this database whose transaction is older than `seconds`; their locks and snapshots hold others up. */
export async function findLongTransactions(client: pg.Client, seconds: number): Promise<Session[]> {
  const { rows } = await client.query<Session>(
    `SELECT ${columns} FROM pg_stat_activity a
      WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_type = 'client backend'
        AND a.xact_start < clock_timestamp() - make_interval(secs => $1) ORDER BY a.xact_start`,
    [seconds],
  );
  return rows;
}

/** Sessions of a database by its name, those of this program left out; to be asked from another database. */
export async function findSessions(client: pg.Client, database: string): Promise<Session[]> {
  const { rows } = await client.query<Session>(
    `SELECT ${columns} FROM pg_stat_activity a
      WHERE a.datname = $1 AND a.backend_type = 'client backend' AND NOT starts_with(a.application_name, 'safe-migration')
      ORDER BY a.pid`,
    [database],
  );
  return rows;
}

/** Sessions that have held one of these locks on tables in a transaction for longer; this program's own left out. */
export async function findHolders(
  client: pg.Client,
  locks: readonly { readonly table: string; readonly mode: string }[],
  longerThanMs: number,
): Promise<Session[]> {
  const { rows } = await client.query<Session>(
    `SELECT ${columns} FROM pg_stat_activity a
      WHERE a.datname = current_database() AND NOT starts_with(a.application_name, 'safe-migration')
        AND a.backend_type = 'client backend' AND a.xact_start < clock_timestamp() - make_interval(secs => $3)
        AND a.pid IN (SELECT l.pid FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                        JOIN pg_namespace n ON n.oid = c.relnamespace
                        JOIN unnest($1::text[], $2::text[]) AS w(held, mode)
                          ON w.held = n.nspname || '.' || c.relname AND w.mode = l.mode
                       WHERE l.locktype = 'relation' AND l.granted
                         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))`,
    [locks.map(({ table }) => table), locks.map(({ mode }) => mode), longerThanMs / 1_000],
  );
  return rows;
}

/** Those of these sessions that are in a transaction. */
export async function findTransactions(client: pg.Client, pids: readonly number[]): Promise<Session[]> {
  if (pids.length === 0) return [];
  const { rows } = await client.query<Session>(
    `SELECT ${columns} FROM pg_stat_activity a WHERE a.pid = ANY ($1::int[]) AND a.xact_start IS NOT NULL`,
    [pids],
  );
  return rows;
}

/** Sessions that sessions of the given name wait for. */
export async function findBlockers(client: pg.Client, applicationName: string): Promise<Session[]> {
  const { rows } = await client.query<Session>(
    `SELECT ${columns} FROM pg_stat_activity a
      WHERE a.pid IN (SELECT unnest(pg_blocking_pids(w.pid)) FROM pg_stat_activity w
                       WHERE w.application_name = $1 AND w.datname = current_database() AND w.wait_event_type = 'Lock')`,
    [applicationName],
  );
  return rows;
}

/** Sessions of this database that others wait for, and that wait for nobody themselves. */
export async function findBlockingSessions(client: pg.Client): Promise<Session[]> {
  const { rows } = await client.query<Session>(
    `SELECT ${columns} FROM pg_stat_activity a
      WHERE a.datname = current_database() AND cardinality(pg_blocking_pids(a.pid)) = 0
        AND a.pid IN (SELECT unnest(pg_blocking_pids(w.pid)) FROM pg_stat_activity w WHERE w.wait_event_type = 'Lock')
      ORDER BY a.xact_start`,
  );
  return rows;
}

/** Sessions of the application that wait for sessions of the given name: for a lock of theirs, or for one that they wait for before them. */
export async function findWaiting(client: pg.Client, applicationName: string): Promise<number[]> {
  const { rows } = await client.query<{ pid: number }>(
    `SELECT w.pid FROM pg_stat_activity w
      WHERE w.datname = current_database() AND w.wait_event_type = 'Lock' AND NOT starts_with(w.application_name, 'safe-migration')
        AND pg_blocking_pids(w.pid) && ARRAY(SELECT pid FROM pg_stat_activity
                                              WHERE application_name = $1 AND datname = current_database())`,
    [applicationName],
  );
  return rows.map(({ pid }) => pid);
}

/** Who a session is, how long its transaction has been open, and its last query without strings, numbers and comments. */
function describeSession({ pid, application, user, state, seconds, query }: Session): string {
  const who = application === "" ? user : `${user}, ${application}`;
  return `pid ${pid} (${who}; ${state}, transaction open for ${seconds} s; last query: ${withoutLiterals(query)})`;
}

export function describeSessions(sessions: readonly Session[]): string {
  return sessions.map(describeSession).join("; ");
}
