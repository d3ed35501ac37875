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
  /** Name of the extension that made it, where that says that its rows are data (`pg_extension_config_dump`). */
  readonly extension: string | null;
  /** Which of its rows are, as a WHERE clause. */
  readonly condition: string | null;
  /** Of a partition: the partitioned table that it is a part of, at the top: `public.orders`. */
  readonly partOf: string | null;
}

/**
 * The tables `pg_dump` dumps the rows of: ordinary ones and leaf partitions, unlogged too; not temporary or foreign, nor the system's. Of
 * an extension's own ones those that it has declared to hold data.
 */
export async function listTables(client: pg.ClientBase): Promise<DataTable[]> {
  return selectTables(client, "pg_table_size(c.oid)");
}

/** As {@link listTables}, without the sizes: asking for one waits for whoever holds the table exclusively. */
export async function listTableNames(client: pg.ClientBase): Promise<DataTable[]> {
  return selectTables(client, "0");
}

/** Those that no extension has made: where there is none, nobody's data is there. */
export async function listOwnTables(client: pg.ClientBase): Promise<DataTable[]> {
  return (await listTableNames(client)).filter(({ extension }) => extension === null);
}

const tableRows = z.array(
  z.strictObject({
    oid: z.int(),
    schema: z.string(),
    name: z.string(),
    bytes: z.coerce.number(),
    extension: z.string().nullable(),
    condition: z.string().nullable(),
    partOf: z.string().nullable(),
  }),
);

async function selectTables(client: pg.ClientBase, bytes: string): Promise<DataTable[]> {
  const { rows } = await client.query(`
    SELECT c.oid, n.nspname AS schema, c.relname AS name, (${bytes})::text AS bytes, x.extension, x.condition,
      (SELECT rn.nspname || '.' || r.relname FROM pg_class r JOIN pg_namespace rn ON rn.oid = r.relnamespace
        WHERE r.oid = pg_partition_root(c.oid) AND r.oid <> c.oid) AS "partOf"
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace ${dataOfExtension("c")}
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND ${ownSchema("n")} AND (${notOfExtension("pg_class", "c")} OR x.oid IS NOT NULL)
    ORDER BY ${bytes === "0" ? "c.oid" : `${bytes} DESC, c.oid`}`);
  return tableRows.parse(rows);
}

/** A join that gives as `x` the extension that says of the relation under `alias` that it holds data, with the condition for its rows. */
export function dataOfExtension(alias: string): string {
  return `LEFT JOIN LATERAL (SELECT u.oid, e.extname AS extension, nullif(u.condition, '') AS condition
      FROM pg_catalog.pg_extension e, unnest(e.extconfig, e.extcondition) u(oid, condition) WHERE u.oid = ${alias}.oid LIMIT 1) x ON true`;
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
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace ${dataOfExtension("c")}
    WHERE c.relpersistence <> 't' AND ${ownSchema("n")} AND (${notOfExtension("pg_class", "c")} OR x.oid IS NOT NULL)
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
