import pg from "pg";
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
  /** Identifier of a transaction that was prepared for a two-phase commit: no session has it any more, and it holds its locks. */
  readonly prepared?: string | null;
}

const columns = `a.pid, a.application_name AS application, coalesce(a.usename, '') AS "user", coalesce(a.state, '') AS state,
  coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::int AS seconds, a.query, a.usesysid IS NULL AS background,
  NULL::text AS prepared`;
/** The same of a prepared transaction, which is in no list of sessions. */
const columnsOfPrepared = `0 AS pid, '' AS application, p.owner::text AS "user", 'prepared' AS state,
  extract(epoch FROM clock_timestamp() - p.prepared)::int AS seconds, '' AS query, false AS background, p.gid AS prepared`;
/**
 * A condition: the lock under `alias` is held by the prepared transaction `p`. `pg_locks` has no process for it, and a virtual
 * transaction that is that of its former session, or of none: it is known by the lock on its own number.
 */
export const heldByPrepared = (alias: string) =>
  `${alias}.granted AND ${alias}.pid IS NULL AND ${alias}.virtualtransaction = (SELECT own.virtualtransaction FROM pg_locks own
    WHERE own.locktype = 'transactionid' AND own.transactionid = p.transaction AND own.pid IS NULL LIMIT 1)`;
/** A condition: a session `w` waits for a prepared transaction `p`, as `pg_blocking_pids` gives 0 for each of those. */
const waitsForPrepared = `0 = ANY (pg_blocking_pids(w.pid)) AND EXISTS (
  SELECT FROM pg_locks wanted JOIN pg_locks h ON ${heldByPrepared("h")} AND h.locktype = wanted.locktype
      AND h.database IS NOT DISTINCT FROM wanted.database AND h.relation IS NOT DISTINCT FROM wanted.relation
      AND h.transactionid IS NOT DISTINCT FROM wanted.transactionid
    WHERE wanted.pid = w.pid AND NOT wanted.granted)`;

/** Transactions of this database that were prepared more than `seconds` ago, and neither committed nor rolled back. */
export async function findPreparedTransactions(client: pg.Client, seconds: number): Promise<Session[]> {
  const { rows } = await client.query<Session>(
    `SELECT ${columnsOfPrepared} FROM pg_prepared_xacts p
      WHERE p.database = current_database() AND p.prepared < clock_timestamp() - make_interval(secs => $1) ORDER BY p.prepared`,
    [seconds],
  );
  return rows;
}

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
                         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
     UNION ALL SELECT ${columnsOfPrepared} FROM pg_prepared_xacts p
      WHERE p.database = current_database() AND p.prepared < clock_timestamp() - make_interval(secs => $3)
        AND EXISTS (SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
                      JOIN unnest($1::text[], $2::text[]) AS w(held, mode)
                        ON w.held = n.nspname || '.' || c.relname AND w.mode = l.mode
                     WHERE l.locktype = 'relation' AND ${heldByPrepared("l")})`,
    [locks.map(({ table }) => table), locks.map(({ mode }) => mode), longerThanMs / 1_000],
  );
  return rows;
}

/** Those of these that are in a transaction, or are a prepared one that has not ended. */
export async function findTransactions(
  client: pg.Client,
  of: readonly Pick<Session, "pid" | "prepared">[],
): Promise<Session[]> {
  if (of.length === 0) return [];
  const { rows } = await client.query<Session>(
    `SELECT ${columns} FROM pg_stat_activity a WHERE a.pid = ANY ($1::int[]) AND a.xact_start IS NOT NULL
     UNION ALL SELECT ${columnsOfPrepared} FROM pg_prepared_xacts p WHERE p.gid = ANY ($2::text[])`,
    [of.map(({ pid }) => pid), of.flatMap(({ prepared }) => prepared ?? [])],
  );
  return rows;
}

/** Sessions and prepared transactions that sessions of the given name wait for. */
export async function findBlockers(client: pg.Client, applicationName: string): Promise<Session[]> {
  const { rows } = await client.query<Session>(
    `SELECT ${columns} FROM pg_stat_activity a
      WHERE a.pid IN (SELECT unnest(pg_blocking_pids(w.pid)) FROM pg_stat_activity w
                       WHERE w.application_name = $1 AND w.datname = current_database() AND w.wait_event_type = 'Lock')
     UNION ALL SELECT ${columnsOfPrepared} FROM pg_prepared_xacts p
      WHERE p.database = current_database() AND EXISTS (SELECT FROM pg_stat_activity w
        WHERE w.application_name = $1 AND w.datname = current_database() AND w.wait_event_type = 'Lock' AND ${waitsForPrepared})`,
    [applicationName],
  );
  return rows;
}

/** Sessions and prepared transactions of this database that others wait for, and that wait for nobody themselves. */
export async function findBlockingSessions(client: pg.Client): Promise<Session[]> {
  const { rows } = await client.query<Session>(
    `SELECT ${columns} FROM pg_stat_activity a
      WHERE a.datname = current_database() AND cardinality(pg_blocking_pids(a.pid)) = 0
        AND a.pid IN (SELECT unnest(pg_blocking_pids(w.pid)) FROM pg_stat_activity w WHERE w.wait_event_type = 'Lock')
     UNION ALL SELECT ${columnsOfPrepared} FROM pg_prepared_xacts p
      WHERE p.database = current_database() AND EXISTS (SELECT FROM pg_stat_activity w
        WHERE w.datname = current_database() AND w.wait_event_type = 'Lock' AND ${waitsForPrepared})
      ORDER BY seconds DESC`,
  );
  return rows;
}

/** Sessions that wait for the session `holder`, and that a session of this program waits for. */
export async function findCrossing(client: pg.Client, holder: number): Promise<Session[]> {
  const { rows } = await client.query<Session>(
    `SELECT ${columns} FROM pg_stat_activity a
      WHERE a.datname = current_database() AND a.wait_event_type = 'Lock' AND $1 = ANY (pg_blocking_pids(a.pid))
        AND EXISTS (SELECT FROM pg_stat_activity w WHERE w.datname = current_database() AND w.wait_event_type = 'Lock'
          AND starts_with(w.application_name, 'safe-migration') AND a.pid = ANY (pg_blocking_pids(w.pid)))`,
    [holder],
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
function describeSession({ pid, application, user, state, seconds, query, prepared }: Session): string {
  const who = application === "" ? user : `${user}, ${application}`;
  return typeof prepared === "string"
    ? `prepared transaction ${pg.escapeLiteral(prepared)} (${who}; neither committed nor rolled back for ${seconds} s, and it holds its locks)`
    : `pid ${pid} (${who}; ${state}, transaction open for ${seconds} s; last query: ${withoutLiterals(query)})`;
}

export function describeSessions(sessions: readonly Session[]): string {
  return sessions.map(describeSession).join("; ");
}

/** What ends each of them, as SQL. */
export function endingOf(sessions: readonly Pick<Session, "pid" | "prepared">[]): string {
  return sessions
    .map(({ pid, prepared }) => {
      if (typeof prepared !== "string") return `SELECT pg_terminate_backend(${pid});`;
      const gid = pg.escapeLiteral(prepared);
      return `ROLLBACK PREPARED ${gid}; (or COMMIT PREPARED ${gid}; as its coordinator decided)`;
    })
    .join(" ");
}
