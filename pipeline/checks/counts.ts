import pg from "pg";
import type { Model } from "../prisma/schema.js";

/** Exact number of rows of each model's table, by model. */
export async function countRows(client: pg.Client, models: readonly Model[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const model of models) {
    const table = `${pg.escapeIdentifier(model.schema)}.${pg.escapeIdentifier(model.table)}`;
    const { rows } = await client.query<{ rows: string }>(`SELECT count(*) AS rows FROM ${table}`);
    counts[model.name] = Number(rows[0]?.rows);
  }
  return counts;
}

/** How many tables the application has: ordinary and partitioned ones, Prisma's own history not among them. */
export async function countTables(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ tables: number }>(
    `SELECT count(*)::int AS tables FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
        AND c.relname <> '_prisma_migrations' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`,
  );
  return rows[0]?.tables ?? 0;
}
