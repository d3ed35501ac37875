import pg from "pg";
import { z } from "zod";
import type { Column, ColumnType } from "./columnImage.js";

/** A table whose rows are data of the application's own. */
export interface DataTable {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** Size on disk without indexes, in bytes: what reading it costs. */
  readonly bytes: number;
}

/**
 * The tables `pg_dump` dumps the rows of: ordinary ones and leaf partitions, unlogged too; not temporary, foreign or an
 * extension's own ones, nor the system's.
 */
export async function listTables(client: pg.ClientBase): Promise<DataTable[]> {
  return selectTables(client, "pg_table_size(c.oid)");
}

/** As {@link listTables}, without the sizes: asking for one waits for whoever holds the table exclusively. */
export async function listTableNames(client: pg.ClientBase): Promise<DataTable[]> {
  return selectTables(client, "0");
}

async function selectTables(client: pg.ClientBase, bytes: string): Promise<DataTable[]> {
  const { rows } = await client.query(`
    SELECT c.oid, n.nspname AS schema, c.relname AS name, (${bytes})::text AS bytes
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND ${ownSchema("n")} AND ${notOfExtension("pg_class", "c")}
    ORDER BY ${bytes === "0" ? "c.oid" : `${bytes} DESC, c.oid`}`);
  return z
    .array(z.strictObject({ oid: z.int(), schema: z.string(), name: z.string(), bytes: z.coerce.number() }))
    .parse(rows);
}

/** A condition: the schema under `alias` is not PostgreSQL's own. */
export function ownSchema(alias: string): string {
  return `${alias}.nspname !~ '^pg_' AND ${alias}.nspname <> 'information_schema'`;
}

/** A condition: the object under `alias` was not made by CREATE EXTENSION, which makes it again. */
export function notOfExtension(catalogue: string, alias: string): string {
  return `NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '${catalogue}'::regclass AND d.objid = ${alias}.oid AND d.deptype = 'e')`;
}

const columnRows = z.array(
  z.strictObject({
    table: z.int(),
    name: z.string(),
    not_null: z.boolean(),
    domain_over: z.string().nullable(),
    oid: z.int(),
    type: z.string(),
    kind: z.string(),
    length: z.int(),
    send: z.string().nullable(),
    output: z.string(),
    element: z.int().nullable(),
    element_name: z.string().nullable(),
  }),
);

/**
 * The columns of tables, by table, ordered by name (a restored table may have another order). Without generated columns:
 * they are not data, `pg_dump` does not dump them, and a function that was replaced since would make them differ.
 */
export async function listColumns(client: pg.ClientBase, tables: readonly number[]): Promise<Map<number, Column[]>> {
  const { rows } = await client.query(
    `WITH RECURSIVE base(declared, oid, modifier) AS (
       SELECT t.oid, t.oid, -1 FROM pg_type t
       UNION ALL
       SELECT b.declared, t.typbasetype, t.typtypmod FROM base b JOIN pg_type t ON t.oid = b.oid AND t.typtype = 'd'
     )
     SELECT a.attrelid AS "table", a.attname AS name, a.attnotnull AND NOT EXISTS (
         -- From version 18 on a column may be declared so without having been looked at.
         SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey) AND k.contype = 'n' AND NOT k.convalidated
       ) AS not_null, b.oid AS oid, t.typname AS type, t.typtype AS kind,
       CASE WHEN b.oid <> a.atttypid THEN format_type(b.oid, b.modifier) END AS domain_over,
       t.typlen AS length, ${functionName("t.typsend")} AS send, ${functionName("t.typoutput")} AS output,
       CASE WHEN t.typcategory = 'A' THEN t.typelem END AS element, e.typname AS element_name
     FROM pg_attribute a
       JOIN base b ON b.declared = a.atttypid
       JOIN pg_type t ON t.oid = b.oid AND t.typtype <> 'd'
       LEFT JOIN pg_type e ON t.typcategory = 'A' AND e.oid = t.typelem
     WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
     ORDER BY a.attrelid, a.attname COLLATE "C"`,
    [tables],
  );
  const columns = new Map<number, Column[]>(tables.map((table) => [table, []]));
  for (const row of columnRows.parse(rows)) columns.get(row.table)?.push(toColumn(row));
  return columns;
}

/** Qualified and quoted name of the function whose number is in a column; NULL where there is none. */
function functionName(oid: string): string {
  return (
    `(SELECT format('%I.%I', pn.nspname, p.proname) FROM pg_proc p JOIN pg_namespace pn ON pn.oid = p.pronamespace ` +
    `WHERE p.oid = ${oid})`
  );
}

function toColumn(row: z.infer<typeof columnRows>[number]): Column {
  const element =
    row.element === null || row.element_name === null ? {} : { element: { oid: row.element, name: row.element_name } };
  const type: ColumnType = {
    oid: row.oid,
    name: row.type,
    kind: row.kind,
    length: row.length,
    send: row.send ?? undefined,
    output: row.output,
    ...element,
  };
  return {
    name: row.name,
    type,
    notNull: row.not_null,
    ...(row.domain_over === null ? {} : { domainOver: row.domain_over }),
  };
}

/** Materialised views of the application's own. */
export async function listMaterializedViews(
  client: pg.ClientBase,
): Promise<{ schema: string; name: string; populated: boolean }[]> {
  const { rows } = await client.query(`
    SELECT n.nspname AS schema, c.relname AS name, c.relispopulated AS populated
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'm' AND ${ownSchema("n")} AND ${notOfExtension("pg_class", "c")}
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`);
  return z.array(z.strictObject({ schema: z.string(), name: z.string(), populated: z.boolean() })).parse(rows);
}

const sequenceRows = z.array(
  z.strictObject({ schema: z.string(), name: z.string(), increment: z.string(), cycles: z.boolean() }),
);
const stateRows = z.array(z.strictObject({ at: z.int(), last: z.string(), called: z.boolean() }));

/**
 * Where every sequence stands. Sequences are not part of any snapshot: what is read here before a dump starts is never
 * ahead of what the dump holds.
 */
export async function readSequences(client: pg.ClientBase) {
  const { rows } = await client.query(`
    SELECT n.nspname AS schema, c.relname AS name, s.seqincrement::text AS increment, s.seqcycle AS cycles
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relpersistence <> 't' AND ${ownSchema("n")} AND ${notOfExtension("pg_class", "c")}
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`);
  const sequences = sequenceRows.parse(rows);
  const states: z.infer<typeof stateRows> = [];
  for (let from = 0; from < sequences.length; from += 200) {
    const parts = sequences
      .slice(from, from + 200)
      .map(
        ({ schema, name }, at) =>
          `SELECT ${from + at} AS at, last_value::text AS last, is_called AS called FROM ` +
          `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`,
      );
    const read: pg.QueryResult<Record<string, unknown>> = await client.query(parts.join(" UNION ALL "));
    states.push(...stateRows.parse(read.rows));
  }
  return states.flatMap(({ at, last, called }) => {
    const sequence = sequences[at];
    return sequence === undefined ? [] : [{ ...sequence, last, called }];
  });
}
