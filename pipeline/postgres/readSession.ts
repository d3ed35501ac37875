import type pg from "pg";
import type { Database } from "../contracts.js";
import { connect, withClient } from "./connection.js";

/**
 * Settings that make what is read independent of whoever's defaults: values are written one way, row security raises an
 * error where it would hide rows, and no time limit of the role or the database ends a long read.
 */
const settings: Readonly<Record<string, string>> = {
  search_path: "pg_catalog",
  DateStyle: "ISO, MDY",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  extra_float_digits: "1",
  bytea_output: "hex",
  lc_monetary: "C",
  xmlbinary: "base64",
  quote_all_identifiers: "off",
  row_security: "off",
  statement_timeout: "0",
  transaction_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  // Compiling a query that calls many functions costs more than it saves, for tables of a million rows still.
  jit: "off",
};

/** Opens a session for reading data; end it with `client.end()`. */
export async function openReader(
  database: Database,
  applicationName: string,
  options: { database?: string; lockTimeoutMs?: number } = {},
): Promise<pg.Client> {
  const client = await connect(database, { applicationName, ...options });
  try {
    await prepareReader(client, options.lockTimeoutMs);
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

/** Makes a session one for reading data; in a transaction, until that is rolled back. */
export async function prepareReader(client: pg.Client, lockTimeoutMs = 0): Promise<void> {
  // Through pg_settings: of these, each version takes those that it knows.
  await client.query(
    `SELECT set_config(wanted.name, wanted.value, false)
     FROM unnest($1::text[], $2::text[]) AS wanted(name, value) JOIN pg_settings s ON lower(s.name) = lower(wanted.name)`,
    [
      [...Object.keys(settings), "lock_timeout"],
      [...Object.values(settings), String(lockTimeoutMs)],
    ],
  );
  // Without an encoding nothing can be converted to UTF-8, only be refused.
  const { rows } = await client.query<{ server_encoding: string }>("SHOW server_encoding");
  if (rows[0]?.server_encoding === "SQL_ASCII") await client.query("SET client_encoding TO 'SQL_ASCII'");
}

/**
 * Runs a query of `client`; an abort cancels it on the server, which would otherwise finish a long query for nobody.
 *
 * @throws what the query throws; if `signal` is aborted already, its reason.
 */
export async function stoppable<T>(
  database: Database,
  client: pg.Client,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const stop = () => {
    const cancel = (other: pg.Client) => other.query("SELECT pg_cancel_backend($1)", [rows[0]?.pid]);
    // Where there is no connection to cancel with, the query ends when its own connection is closed.
    withClient(database, { applicationName: "safe-migration cancel", database: client.database }, cancel).catch(
      () => undefined,
    );
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await work();
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
