import type pg from "pg";
import { largeObjectHashes } from "../postgres/largeObjects.js";
import type { Observed } from "./observed.js";

const copy = "before_large_objects";
/** As a declaration names them: PostgreSQL's own table of them, of which no other use can be meant. */
const name = { schema: "pg_catalog", table: "pg_largeobject" };

/** Keeps a hash of each large object, in a temporary table of the session. */
export async function keepLargeObjects(client: pg.ClientBase): Promise<void> {
  await client.query(`DROP TABLE IF EXISTS pg_temp.${copy}`);
  await client.query(`CREATE TEMPORARY TABLE ${copy} AS ${largeObjectHashes}`);
}

/** What became of those that were kept; new ones take nothing away. */
export async function compareLargeObjects(client: pg.ClientBase): Promise<Observed[]> {
  const { rows } = await client.query<{ gone: number; changed: number }>(
    `SELECT (count(*) FILTER (WHERE n.oid IS NULL))::float8 AS gone,
            (count(*) FILTER (WHERE n.oid IS NOT NULL AND n.hash <> b.hash))::float8 AS changed
       FROM pg_temp.${copy} b LEFT JOIN (${largeObjectHashes}) n ON n.oid = b.oid`,
  );
  await client.query(`DROP TABLE pg_temp.${copy}`);
  const { gone = 0, changed = 0 } = rows[0] ?? {};
  return [
    ...(gone > 0 ? [{ effect: "deletes", names: [name], rows: gone } as const] : []),
    ...(changed > 0 ? [{ effect: "changes", names: [{ ...name, column: "data" }], rows: changed } as const] : []),
  ];
}
