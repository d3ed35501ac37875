import pg from "pg";
import { z } from "zod";
import type { Database } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import { ownSchema } from "../postgres/fingerprintCatalogue.js";
import { compareCatalogues, readCatalogue } from "../rehearsal/catalogue.js";

const tableRow = z.strictObject({ oid: z.string(), name: z.string() });
type Table = z.infer<typeof tableRow>;

/**
 * Takes away what the planner knows of tables that are empty now: ANALYZE writes nothing of a table without rows, so what it
 * knew of the rows that were there, values among it, would stay.
 *
 * A superuser deletes it. Anybody else makes PostgreSQL forget it, by setting each column to the type that it has, as the owner.
 *
 * @throws PipelineError (`failedUnchanged`) where that cannot be done.
 */
export async function dropStatisticsOfEmpty(client: pg.ClientBase, copy: Database): Promise<void> {
  const known = await readKnown(client);
  const empty: Table[] = [];
  for (const table of known) {
    const { rowCount } = await client.query(`SELECT FROM ${table.name} LIMIT 1`);
    if (rowCount === 0) empty.push(table);
  }
  if (empty.length === 0) return;
  const { rows } = await client.query<{ super: string }>("SELECT current_setting('is_superuser') AS super");
  if (rows[0]?.super === "on") await deleteOf(client, empty);
  else await forget(client, copy, empty);
}

/** The tables that there are statistics of: of their columns, of expressions in their indexes, or of several columns at once. */
async function readKnown(client: pg.ClientBase): Promise<Table[]> {
  const { rows } = await client.query(
    `SELECT c.oid::text, format('%I.%I', n.nspname, c.relname) AS name
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'm') AND c.relispopulated AND c.relpersistence <> 't' AND ${ownSchema("n")}
       AND (EXISTS (SELECT FROM pg_stats s JOIN pg_namespace m ON m.nspname = s.schemaname
              JOIN pg_class r ON r.relnamespace = m.oid AND r.relname = s.tablename
              LEFT JOIN pg_index i ON i.indexrelid = r.oid WHERE c.oid IN (r.oid, i.indrelid))
         OR EXISTS (SELECT FROM pg_stats_ext e WHERE e.schemaname = n.nspname AND e.tablename = c.relname))
     ORDER BY name`,
  );
  return z.array(tableRow).parse(rows);
}

async function deleteOf(client: pg.ClientBase, tables: readonly Table[]): Promise<void> {
  const oids = [tables.map(({ oid }) => oid)];
  await client.query(
    `DELETE FROM pg_statistic WHERE starelid = ANY ($1::oid[])
       OR starelid IN (SELECT indexrelid FROM pg_index WHERE indrelid = ANY ($1::oid[]))`,
    oids,
  );
  await client.query(
    "DELETE FROM pg_statistic_ext_data WHERE stxoid IN (SELECT oid FROM pg_statistic_ext WHERE stxrelid = ANY ($1::oid[]))",
    oids,
  );
}

/** Whole or not at all, and only where the schema is as it was afterwards. */
async function forget(client: pg.ClientBase, { migrateAs }: Database, tables: readonly Table[]): Promise<void> {
  const before = await readForm(client);
  await client.query("BEGIN");
  try {
    if (migrateAs !== undefined) await client.query(`SET LOCAL ROLE ${pg.escapeIdentifier(migrateAs)}`);
    for (const { name } of tables) {
      const changes = await changesOf(client, name);
      if (changes.length > 0) await client.query(`ALTER TABLE ${name} ${changes.join(", ")}`);
    }
    const differences = compareCatalogues(before, await readForm(client));
    if (differences.length > 0) throw new Error(differences.join("; "));
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw notForgotten(tables, error);
  }
}

/** The schema, with what setting a type would put back to its default: how values are stored and compressed. */
async function readForm(client: pg.ClientBase): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ object: string; definition: string }>(
    `SELECT format('storage %s.%I', a.attrelid::regclass, a.attname) AS object, concat_ws(' ', a.attstorage, a.attcompression) AS definition
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND ${ownSchema("n")}`,
  );
  const storage = rows.map(({ object, definition }): [string, string] => [object, definition]);
  return new Map([...(await readCatalogue(client)), ...storage]);
}

async function changesOf(client: pg.ClientBase, name: string): Promise<string[]> {
  const { rows } = await client.query<{ change: string }>(
    `SELECT format('ALTER COLUMN %I TYPE %s%s', a.attname, format_type(a.atttypid, a.atttypmod),
       (SELECT format(' COLLATE %I.%I', m.nspname, l.collname) FROM pg_collation l JOIN pg_namespace m ON m.oid = l.collnamespace
        WHERE l.oid = a.attcollation)) AS change
     FROM pg_attribute a WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [name],
  );
  return rows.map(({ change }) => change);
}

function notForgotten(tables: readonly Table[], cause: unknown): PipelineError {
  return new PipelineError(
    {
      code: "STATISTICS_KEPT",
      kind: "failedUnchanged",
      message: `What the planner knew of the rows that were in ${tables.map(({ name }) => name).join(", ")}, which are empty now, would stay, values among it; only a superuser may delete it there: ${messageOf(cause)}.`,
      state: "The database is as it was; what was restored beside it is dropped, and nobody could connect to it.",
      next: "Let the file that anonymises leave a row in each of these tables, whose values are what it says of people, then run the same command.",
    },
    { cause },
  );
}
