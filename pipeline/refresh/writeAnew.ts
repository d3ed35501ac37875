import type pg from "pg";
import { z } from "zod";
import type { StageContext } from "../context.js";
import type { Database } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { few } from "../few.js";
import { withClient } from "../postgres/connection.js";
import { stoppable } from "../postgres/readSession.js";
import { dropStatisticsOfEmpty } from "./emptyTables.js";

/** Where the planner's statistics are kept. */
const statistics = ["pg_catalog.pg_statistic", "pg_catalog.pg_statistic_ext_data"];
/** How many tables a message names. */
const named = 5;

/**
 * Writes every table of a database into a new file: dead rows hold what was there before. So do the planner's statistics, which
 * are gathered anew; those that this replaces are dead rows themselves, so the tables that hold them come last.
 *
 * PostgreSQL passes over a table that the role may not VACUUM with no more than a warning, so it is looked at whether the file of
 * each is another one.
 *
 * @throws PipelineError (`failedUnchanged`) where some are not.
 */
export async function writeAnew(copy: Database, { signal }: Pick<StageContext, "signal">): Promise<void> {
  const options = { applicationName: "safe-migration anonymise", settings: { statement_timeout: "0" } };
  await withClient(copy, options, (client) =>
    stoppable(copy, client, signal, async () => {
      const kept = await notRewritten(client, "VACUUM (FULL, ANALYZE)");
      await dropStatisticsOfEmpty(client, copy);
      const again = await notRewritten(client, `VACUUM (FULL) ${statistics.join(", ")}`);
      const all = [...kept, ...again.filter((table) => statistics.includes(table) && !kept.includes(table))];
      if (all.length > 0) throw notWritten(copy, all);
    }),
  );
}

/** The tables whose file is after a statement what it was before. */
async function notRewritten(client: pg.ClientBase, sql: string): Promise<string[]> {
  const before = new Map((await readFiles(client)).map(({ oid, file }) => [oid, file]));
  await client.query(sql);
  return (await readFiles(client)).filter(({ oid, file }) => before.get(oid) === file).map(({ name }) => name);
}

const fileRows = z.array(z.strictObject({ oid: z.string(), name: z.string(), file: z.string() }));

/** The file of each table, catalogues among them, those first that matter most. A materialized view that was never filled has nothing to be written. */
async function readFiles(client: pg.ClientBase): Promise<z.infer<typeof fileRows>> {
  const { rows } = await client.query(
    `SELECT c.oid::text, format('%I.%I', n.nspname, c.relname) AS name, pg_relation_filenode(c.oid)::text AS file
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm', 't') AND c.relispopulated AND NOT c.relisshared AND c.relpersistence <> 't'
     ORDER BY n.nspname ~ '^pg_' OR n.nspname = 'information_schema', c.relname !~ '^pg_statistic', name`,
  );
  return fileRows.parse(rows);
}

function notWritten({ user, name }: Database, tables: readonly string[]): PipelineError {
  return new PipelineError({
    code: "NOT_WRITTEN_ANEW",
    kind: "failedUnchanged",
    message: `"${user}" may not write anew ${few(tables, { most: named })} in "${name}": what people's values were replaced in would still hold them, in dead rows or in the planner's statistics.`,
    state: "The database is as it was; what was restored beside it is dropped, and nobody could connect to it.",
    next: `Make "${user}" a member of the role that owns the database (GRANT owner TO ${user}), then run the same command.`,
  });
}
