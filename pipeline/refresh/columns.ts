import pg from "pg";
import { z } from "zod";
import { PipelineError } from "../errors.js";
import { notOfExtension, ownSchema } from "../postgres/fingerprintCatalogue.js";
import { means } from "../rehearsal/declarations.js";
import type { Declared, DeclaredName } from "./declared.js";

const columnRow = z.strictObject({
  schema: z.string(),
  table: z.string(),
  column: z.string(),
  /** How its values are looked at: as a text, as the texts in a list or in JSON, or as what it is written as. */
  holds: z.enum(["text", "texts", "json", "other"]),
});
export type DataColumn = z.infer<typeof columnRow>;

/**
 * Every column of the application's tables and materialized views. Partitions are read through their table. A domain has the
 * category and the elements of the type it is over.
 */
export async function listColumns(client: pg.ClientBase): Promise<DataColumn[]> {
  const { rows } = await client.query(
    `SELECT n.nspname AS schema, c.relname AS table, a.attname AS column,
       CASE WHEN t.typcategory = 'S' THEN 'text' WHEN t.typcategory = 'A' AND e.typcategory = 'S' THEN 'texts'
         WHEN coalesce(b.typname, t.typname) IN ('json', 'jsonb') THEN 'json' ELSE 'other' END AS holds
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type e ON e.oid = t.typelem LEFT JOIN pg_type b ON b.oid = t.typbasetype
     WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND c.relpersistence <> 't' AND a.attnum > 0
       AND NOT a.attisdropped AND ${ownSchema("n")} AND ${notOfExtension("pg_class", "c")}
     ORDER BY c.oid, a.attnum`,
  );
  return z.array(columnRow).parse(rows);
}

/** What is to be looked at, by the declarations of the file. */
export interface Looked {
  readonly declared: readonly DataColumn[];
  /** All others with text in them, but for those that the file says it keeps, and Prisma's history. */
  readonly others: readonly DataColumn[];
}

/** @throws PipelineError (`refused`) for a declaration that means no column: what is mistyped would prove nothing. */
export function resolve(file: string, { anonymises, keeps }: Declared, columns: readonly DataColumn[]): Looked {
  const unknown = [...anonymises, ...keeps].filter((name) => !columns.some((column) => means(name, column)));
  const [first] = unknown;
  if (first !== undefined)
    throw new PipelineError({
      code: "ANONYMISE_COLUMN",
      kind: "failedUnchanged",
      message: `${file}, line ${first.line}: the restored database has no column ${first.text}.`,
      state: "The database is as it was; what was restored beside it is dropped.",
      next: "Mend the name (the schema is that of the backup, before the pending migrations), then run the same command.",
    });
  const isMeant = (names: readonly DeclaredName[]) => (column: DataColumn) => names.some((name) => means(name, column));
  const declared = columns.filter(isMeant(anonymises));
  const kept = isMeant(keeps);
  const others = columns.filter(
    (column) =>
      column.holds !== "other" && column.table !== "_prisma_migrations" && !declared.includes(column) && !kept(column),
  );
  return { declared, others };
}

export function nameOf({ schema, table, column }: DataColumn): string {
  return `${schema}.${table}.${column}`;
}

/** A FROM clause whose rows `x(v)` are the texts in a column. */
export function valuesFrom({ schema, table, column, holds }: DataColumn): string {
  const of = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(table)}`;
  return `${of} t CROSS JOIN LATERAL (${textsIn(holds, `t.${pg.escapeIdentifier(column)}`)}) x(v)`;
}

/**
 * The same of what the planner's statistics have kept of a column, and of it in each partition: its frequent values, the bounds of its
 * histogram, and frequent elements of lists.
 */
export function statisticsFrom({ schema, table, column, holds }: DataColumn): string {
  const name = pg.escapeLiteral(`${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(table)}`);
  return `pg_stats s JOIN pg_namespace n ON n.nspname = s.schemaname
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename AND s.attname = ${pg.escapeLiteral(column)}
      AND (c.oid = ${name}::regclass OR c.oid IN (SELECT relid FROM pg_partition_tree(${name}::regclass)))
    CROSS JOIN LATERAL (
      SELECT x.v FROM unnest(s.most_common_vals::text::text[] || s.histogram_bounds::text::text[]) kept(v)
        CROSS JOIN LATERAL (${textsIn(holds, "kept.v")}) x(v)
      UNION ALL SELECT unnest(s.most_common_elems::text::text[])) x(v)`;
}

/** A SELECT of the texts in a value. */
function textsIn(holds: DataColumn["holds"], value: string): string {
  return {
    text: `SELECT ${value}::text`,
    other: `SELECT ${value}::text`,
    texts: `SELECT unnest(${value}::text[])`,
    json: `SELECT j #>> '{}' FROM jsonb_path_query(${value}::jsonb, 'strict $.**') j WHERE jsonb_typeof(j) IN ('string', 'number')`,
  }[holds];
}
