import type pg from "pg";
import type { Database } from "../contracts.js";
import { connect, sqlState } from "../postgres/connection.js";
import type { FoundTable } from "./touched.js";

/** What is asked again and again while a migration runs. */
export interface Target {
  /** E.g. `public.orders write`. */
  readonly name: string;
  ask(): Promise<"answered" | "refused" | "gone">;
  end(): Promise<void>;
}

/** Shown in `pg_stat_activity` by the probes. */
const probeApplicationName = "safe-migration probe";

/**
 * A read and a write of a table, over a connection each.
 *
 * The read plans a query of no row: that takes the lock on the table and its indexes which every SELECT takes, which is all that a
 * migration can keep from a reader; reading a row would add the time to find one, which says nothing of the migration.
 *
 * The write takes the lock of INSERT, UPDATE and DELETE (ROW EXCLUSIVE), and gives it back. It changes no row, so no trigger fires, no
 * sequence moves, nothing is written to the log that standbys replay, and no row lock of it can be in the application's way. An UPDATE
 * that is rolled back would do all of these. Row locks that a migration holds are seen by the sessions that wait for it.
 */
export async function tableTargets(database: Database, table: FoundTable): Promise<Target[]> {
  const label = `${table.schema}.${table.name}`;
  return [
    await target(database, `${label} read`, `SELECT FROM ${table.sql} LIMIT 0`),
    await target(database, `${label} write`, `LOCK TABLE ${table.sql} IN ROW EXCLUSIVE MODE`),
  ];
}

/** The table, or a column of it, is no longer there under that name; a wrong kind: LOCK TABLE does not take a materialized view. */
const goneStates = new Set(["42P01", "3F000", "42809"]);

async function target(database: Database, name: string, sql: string): Promise<Target> {
  // As the application's role, where migrations run as it: what that role may not do is not for it to be refused.
  const options = {
    applicationName: probeApplicationName,
    settings: { lock_timeout: "0", statement_timeout: "0", idle_in_transaction_session_timeout: "0" },
    ...(database.migrateAs === undefined ? {} : { role: database.migrateAs }),
  };
  let client: pg.Client | undefined = await connect(database, options);
  return {
    name,
    async ask() {
      try {
        client ??= await connect(database, options);
        // One statement a transaction of its own; LOCK TABLE wants to see the transaction.
        await client.query(`BEGIN; ${sql}; ROLLBACK`);
        return "answered";
      } catch (error) {
        const state = sqlState(error);
        if (state !== undefined && (goneStates.has(state) || state === "42501")) return "gone";
        await client?.end().catch(() => undefined);
        client = undefined;
        return "refused";
      }
    },
    async end() {
      await client?.end().catch(() => undefined);
    },
  };
}

/** How long an answer of the application is waited for, in milliseconds. */
const httpPatienceMs = 10_000;

/** The application's own health: answered where it says 2xx. */
export function healthTarget(url: string): Target {
  const stop = new AbortController();
  return {
    name: `GET ${withoutSecrets(url)}`,
    async ask() {
      try {
        const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(httpPatienceMs)]);
        const response = await fetch(url, { signal, redirect: "error" });
        await response.arrayBuffer();
        return response.ok ? "answered" : "refused";
      } catch {
        return "refused";
      }
    },
    end() {
      stop.abort();
      return Promise.resolve();
    },
  };
}

/** A URL as it may be shown: its query may hold a token. */
function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
