import type pg from "pg";
import type { Database } from "../contracts.js";
import { type ConnectOptions, sqlState, withClient } from "../postgres/connection.js";
import { readRefused } from "../postgres/readErrors.js";

/**
 * Settings of a session whose counts are to be right: where row security would hide rows, PostgreSQL refuses the query instead.
 */
export const wholeView: Readonly<Record<string, string>> = { row_security: "off" };

/**
 * Runs `work` with a connection that sees every row or is refused.
 *
 * @throws PipelineError (`NOT_READABLE`) where the role may not read something, or would be shown a part of it.
 */
export async function withWholeView<T>(
  database: Database,
  options: ConnectOptions,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  try {
    return await withClient(database, { ...options, settings: { ...options.settings, ...wholeView } }, work);
  } catch (error) {
    throw sqlState(error) === "42501" ? readRefused("A table", error) : error;
  }
}
