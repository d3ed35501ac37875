import type pg from "pg";
import { z } from "zod";
import type { StatementSeen } from "../contracts.js";
import type { Logger } from "../log.js";
import { messageOf } from "../errors.js";
import { withoutLiterals } from "./withoutLiterals.js";

/** How many statements are kept, and characters of each: they are in the stack's state. */
const most = 8;
const longest = 160;

const seen = z.array(z.object({ id: z.string(), query: z.string(), calls: z.coerce.number(), totalMs: z.number() }));

/**
 * The statements of other roles that took the most time in all, where `pg_stat_statements` is there and may be read.
 *
 * @param known identifiers that are wanted whatever they took, to compare.
 * @returns `undefined` where there are no such statistics.
 */
export async function readStatements(
  client: pg.ClientBase,
  log: Logger,
  known: readonly string[] = [],
): Promise<StatementSeen[] | undefined> {
  try {
    const { rows: places } = await client.query<{ schema: string }>(
      `SELECT quote_ident(n.nspname) AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_stat_statements'`,
    );
    const [place] = places;
    if (place === undefined) return undefined;
    const { rows } = await client.query(
      `SELECT queryid::text AS id, min(query) AS query, sum(calls)::text AS calls, sum(total_exec_time) AS "totalMs"
         FROM ${place.schema}.pg_stat_statements
        WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND userid <> (SELECT oid FROM pg_roles WHERE rolname = current_user)
          -- Statements of other kinds are kept as they were sent, a password among them.
          AND query ~* '^\\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH)\\y'
        GROUP BY queryid
        ORDER BY (queryid::text = ANY ($1::text[])) DESC, sum(total_exec_time) DESC LIMIT ${most}`,
      [known],
    );
    return seen.parse(rows).map(({ query, ...figures }) => ({ ...figures, query: withoutLiterals(query, longest) }));
  } catch (error) {
    log.debug(`statement statistics could not be read: ${messageOf(error)}`);
    return undefined;
  }
}
