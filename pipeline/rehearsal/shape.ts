import type pg from "pg";
import { z } from "zod";
import { dataOfExtension, notOfExtension, ownSchema } from "../postgres/fingerprintCatalogue.js";

const columnShape = z.strictObject({
  number: z.int(),
  name: z.string(),
  /** With its modifier: `character varying(80)`. */
  type: z.string(),
  generated: z.boolean(),
  /** Of what its type is made of enums and composite types: they are changed without a write to any table. */
  made: z
    .strictObject({
      /** Number and label of each value of the enums. */
      labels: z.array(z.string()),
      /** Numbers of the composite types' attributes, and of their types. */
      attributes: z.array(z.string()),
    })
    .nullable(),
});
export type ColumnShape = z.infer<typeof columnShape>;

const tableShape = z.strictObject({
  oid: z.int(),
  schema: z.string(),
  name: z.string(),
  /** The file that its rows are in; another one after a rewrite or TRUNCATE. */
  file: z.string(),
  columns: z.array(columnShape),
  /** Numbers of the columns that tell one row from another: primary key, or a unique index without NULL. */
  key: z.array(z.int()).nullable(),
  /** The extension that made it and says that its rows are data. */
  extension: z.string().nullable(),
  /** Which of them are, as a WHERE clause. */
  condition: z.string().nullable(),
  /** Of a partition: numbers of the partitioned tables that it is a part of, the one at the top last. */
  partOf: z.array(z.int()),
  /** Of a partitioned table, which has no rows but those of its parts: numbers of the columns by which it is parted, on every level. */
  partedBy: z.array(z.int()).nullable(),
});
/** A table as it is: its numbers stay when it or its columns are renamed. */
export type TableShape = z.infer<typeof tableShape>;

/** The tables of a database, by number. */
export interface Shapes {
  /** What holds rows. */
  readonly tables: ReadonlyMap<number, TableShape>;
  /** What is made of partitions, as a whole. */
  readonly parted: ReadonlyMap<number, TableShape>;
}

export async function readShapes(client: pg.ClientBase): Promise<Shapes> {
  return { tables: await readShape(client), parted: await readKind(client, "p") };
}

/** Every table that holds data of the application's own, by its number. */
export function readShape(client: pg.ClientBase): Promise<Map<number, TableShape>> {
  return readKind(client, "r");
}

async function readKind(client: pg.ClientBase, kind: "r" | "p"): Promise<Map<number, TableShape>> {
  const { rows } = await client.query(`
    WITH RECURSIVE uses(relation, number, type) AS (
      SELECT a.attrelid, a.attnum, a.atttypid FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
        WHERE c.relkind = '${kind}' AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= 16384
      UNION SELECT u.relation, u.number, n.type FROM uses u JOIN pg_catalog.pg_type t ON t.oid = u.type, LATERAL (
        SELECT t.typbasetype UNION ALL SELECT t.typelem UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid
        UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
      ) n(type) WHERE n.type >= 16384
    ), made AS (
      SELECT u.relation, u.number, coalesce(json_agg(DISTINCT e.oid || ' ' || e.enumlabel) FILTER (WHERE e.oid IS NOT NULL)::text, '[]') AS labels,
        coalesce(json_agg(DISTINCT concat_ws(' ', a.attrelid, a.attnum, a.atttypid)) FILTER (WHERE a.attrelid IS NOT NULL)::text, '[]') AS attributes
      FROM uses u JOIN pg_catalog.pg_type t ON t.oid = u.type
        LEFT JOIN pg_catalog.pg_enum e ON e.enumtypid = t.oid
        LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
      GROUP BY 1, 2 HAVING count(e.oid) + count(a.attrelid) > 0
    )
    SELECT c.oid, n.nspname AS schema, c.relname AS name, coalesce(pg_catalog.pg_relation_filenode(c.oid)::text, '') AS file,
      x.extension, x.condition,
      to_json(ARRAY(SELECT relid::oid::int8 FROM pg_catalog.pg_partition_ancestors(c.oid) WHERE relid <> c.oid)) AS "partOf",
      CASE WHEN c.relkind = 'p' THEN ARRAY(SELECT DISTINCT mine.attnum FROM pg_catalog.pg_partition_tree(c.oid) p
        JOIN pg_catalog.pg_partitioned_table t ON t.partrelid = p.relid
        JOIN pg_catalog.pg_attribute a ON a.attrelid = p.relid AND a.attnum = ANY (t.partattrs::int2[])
        JOIN pg_catalog.pg_attribute mine ON mine.attrelid = c.oid AND mine.attname = a.attname) END AS "partedBy",
      coalesce((SELECT json_agg(json_build_object('number', a.attnum, 'name', a.attname,
          'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'generated', a.attgenerated <> '', 'made', CASE WHEN m.relation IS NOT NULL THEN
            json_build_object('labels', m.labels::json, 'attributes', m.attributes::json) END) ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a LEFT JOIN made m ON m.relation = a.attrelid AND m.number = a.attnum WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]') AS columns,
      (SELECT ARRAY(SELECT unnest((i.indkey::int2[])[0:i.indnkeyatts - 1])) FROM pg_catalog.pg_index i
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
          AND NOT EXISTS (SELECT FROM unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) k(number)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number WHERE NOT a.attnotnull)
        ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1) AS key
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ${dataOfExtension("c")}
    WHERE c.relkind = '${kind}' AND c.relpersistence <> 't' AND ${ownSchema("n")} AND (${notOfExtension("pg_class", "c")} OR x.oid IS NOT NULL)`);
  return new Map(
    z
      .array(tableShape)
      .parse(rows)
      .map((table) => [table.oid, table]),
  );
}
