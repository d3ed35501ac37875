import pg from "pg";
import type { Node } from "libpg-query";

/** Tells, after a statement failed that no transaction protects, whether everything is as it was before. */
export interface Remains {
  /** Removes what the failed statement left where that is safe; `true`: it is proved that nothing of it is there. */
  cleared(): Promise<boolean>;
}

/**
 * Looks at what a statement outside of a transaction could leave, before it is sent. CREATE INDEX CONCURRENTLY leaves an invalid
 * index when it fails, which every write has to keep up to date; it is dropped if its name was free before.
 */
export async function watchRemains(client: pg.Client, node: Node): Promise<Remains> {
  if ("VacuumStmt" in node || "ClusterStmt" in node) return { cleared: () => Promise.resolve(true) };
  const index = "IndexStmt" in node && node.IndexStmt.concurrent ? node.IndexStmt : undefined;
  const table = index?.relation?.relname;
  if (index?.idxname === undefined || table === undefined) return { cleared: () => Promise.resolve(false) };

  // An index is always in the schema of its table.
  const qualified = [index.relation?.schemaname, table].filter((part) => part !== undefined).map(pg.escapeIdentifier);
  const find = async (): Promise<Found | undefined> => {
    const { rows } = await client.query<Found>(
      `select n.nspname as schema, i.indisvalid as valid from pg_index i
         join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
        where c.relname = $2 and c.relnamespace = (select relnamespace from pg_class where oid = to_regclass($1))`,
      [qualified.join("."), index.idxname],
    );
    return rows[0];
  };
  const name = index.idxname;
  const before = await find();
  return {
    async cleared() {
      const left = await find();
      if (before !== undefined) return left?.valid === before.valid;
      if (left !== undefined) {
        await client.query(`drop index concurrently ${pg.escapeIdentifier(left.schema)}.${pg.escapeIdentifier(name)}`);
      }
      return (await find()) === undefined;
    },
  };
}

interface Found {
  readonly schema: string;
  readonly valid: boolean;
}
