import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../contracts.js";
import { withClient } from "../postgres/connection.js";

/**
 * Transactions a second in a database, from `pg_stat_database` at both ends of a time. Those of this program's own sessions
 * meanwhile, one, are in it.
 *
 * @param seconds for how long; PostgreSQL brings its figures up to date about once a second.
 */
export async function measureTraffic(database: Database, seconds: number, signal: AbortSignal): Promise<number> {
  return withClient(database, { applicationName: "safe-migration preflight" }, async (client) => {
    const read = async () => {
      // Outside a transaction each statement sees the figures as they are then.
      const { rows } = await client.query<{ transactions: string; at: number }>(
        `SELECT (xact_commit + xact_rollback)::text AS transactions, extract(epoch FROM clock_timestamp())::float8 AS at
           FROM pg_stat_database WHERE datname = current_database()`,
      );
      return { transactions: Number(rows[0]?.transactions), at: rows[0]?.at ?? 0 };
    };
    const before = await read();
    await sleep(seconds * 1_000, undefined, { signal });
    const after = await read();
    // Somebody may have set the figures back to zero meanwhile.
    return Math.max(0, after.transactions - before.transactions) / Math.max(0.001, after.at - before.at);
  });
}
