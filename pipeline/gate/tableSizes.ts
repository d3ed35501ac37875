import type pg from "pg";
import { z } from "zod";
import type { TableSizes } from "../contracts.js";
import { notOfExtension, ownSchema } from "../postgres/fingerprintCatalogue.js";
import { historyTable } from "../prisma/history.js";

const sizeRows = z.array(z.strictObject({ key: z.string(), rows: z.coerce.number(), bytes: z.coerce.number() }));

/**
 * Rows and bytes of every table of the application, by `schema.table`, the biggest first; of a table with partitions or heirs
 * with theirs. Rows are what the statistics say; 0 only for a table without a page, which is certainly empty.
 */
export async function readTableSizes(client: pg.ClientBase): Promise<TableSizes> {
  const { rows } = await client.query(
    `WITH RECURSIVE tree AS (
       SELECT c.oid AS root, c.oid AS part
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND c.relname <> $1
          AND ${ownSchema("n")} AND ${notOfExtension("pg_class", "c")}
       UNION
       SELECT tree.root, i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.part
     )
     SELECT n.nspname || '.' || r.relname AS key, sum(pg_table_size(c.oid))::text AS bytes,
            sum(CASE WHEN pg_relation_size(c.oid) = 0 THEN 0
                     ELSE greatest(c.reltuples, s.n_live_tup, 1) END)::bigint::text AS rows
       FROM tree JOIN pg_class r ON r.oid = tree.root JOIN pg_namespace n ON n.oid = r.relnamespace
       JOIN pg_class c ON c.oid = tree.part LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
      GROUP BY 1 ORDER BY sum(pg_table_size(c.oid)) DESC, 1`,
    [historyTable],
  );
  return Object.fromEntries(sizeRows.parse(rows).map(({ key, rows: count, bytes }) => [key, { rows: count, bytes }]));
}

/** As many tables as a stack's outputs may hold: the biggest. What is left out is small. */
export function biggest(sizes: TableSizes, most = 200): TableSizes {
  const entries = Object.entries(sizes).sort(([, a], [, b]) => b.bytes - a.bytes);
  return Object.fromEntries(entries.slice(0, most));
}
