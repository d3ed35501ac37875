import type pg from "pg";

/** A session that is, or may come to be, in somebody's way. */
export interface Session {
  readonly pid: number;
  readonly application: string;
  readonly user: string;
  readonly state: string;
  /** Age of its transaction in seconds. */
  readonly seconds: number;
  readonly query: string;
}

const columns = `a.pid, a.application_name AS application, coalesce(a.usename, '') AS "user", coalesce(a.state, '') AS state,
  coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::int AS seconds, left(a.query, 120) AS query`;

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

export function describeSession({ pid, application, user, state, seconds, query }: Session): string {
  const who = application === "" ? user : `${user}, ${application}`;
  return `pid ${pid} (${who}; ${state}, transaction open for ${seconds} s; last query: ${query.replace(/\s+/g, " ")})`;
}

export function describeSessions(sessions: readonly Session[]): string {
  return sessions.map(describeSession).join("; ");
}
