import { createHash } from "node:crypto";
import type pg from "pg";
import { z } from "zod";

/** Objects with numbers from here on were made by users (`FirstNormalObjectId` in `transam.h`). */
const firstOwn = 16_384;

/**
 * The catalogues in which the form of tables, types, functions and what depends on them is kept: how to select what is the
 * application's own, and the columns that the server changes by itself (statistics, hints).
 */
const catalogues: readonly { name: string; own: string; leave?: readonly string[] }[] = [
  { name: "pg_namespace", own: "true" },
  {
    name: "pg_class",
    own: `c.oid >= ${firstOwn}`,
    leave: [
      ...["relpages", "reltuples", "relallvisible", "relallfrozen", "relfrozenxid", "relminmxid", "relfilenode"],
      // Set when the first such thing is made, and cleared by a later VACUUM; the thing itself is in another catalogue.
      ...["relhasindex", "relhasrules", "relhastriggers", "relhassubclass"],
    ],
  },
  { name: "pg_attribute", own: `c.attrelid >= ${firstOwn}`, leave: ["attstattarget", "attmissingval"] },
  { name: "pg_attrdef", own: "true" },
  { name: "pg_constraint", own: `c.oid >= ${firstOwn}` },
  { name: "pg_index", own: `c.indrelid >= ${firstOwn}`, leave: ["indcheckxmin"] },
  { name: "pg_inherits", own: "true", leave: ["inhdetachpending"] },
  { name: "pg_partitioned_table", own: "true" },
  { name: "pg_type", own: `c.oid >= ${firstOwn}` },
  { name: "pg_enum", own: "true" },
  { name: "pg_sequence", own: "true" },
  { name: "pg_proc", own: `c.oid >= ${firstOwn}` },
  { name: "pg_trigger", own: "true" },
  { name: "pg_rewrite", own: `c.oid >= ${firstOwn}` },
  { name: "pg_policy", own: "true" },
  { name: "pg_collation", own: `c.oid >= ${firstOwn}` },
  { name: "pg_opclass", own: `c.oid >= ${firstOwn}` },
  { name: "pg_extension", own: "true" },
  { name: "pg_depend", own: `c.objid >= ${firstOwn}` },
];

/**
 * One hash of the form of a database: of every table, column, type, default, constraint, index, sequence, function, trigger,
 * view and policy of the application's own, with their numbers. As long as it stays the same nobody has changed any of
 * them; what was dropped and made again has other numbers, and with that another hash.
 */
export async function readForm(client: pg.ClientBase): Promise<string> {
  const parts = catalogues.map(({ name, own, leave = [] }) => {
    const row =
      leave.length === 0 ? "to_jsonb(c)" : `to_jsonb(c) - ARRAY[${leave.map((column) => `'${column}'`).join(", ")}]`;
    // As text, so that the order of rows is that of what is in them and of nothing else.
    return `SELECT '${name}' AS catalogue, md5(coalesce(string_agg(r.text, E'\\n' ORDER BY r.text COLLATE "C"), '')) AS hash
      FROM (SELECT (${row})::text AS text FROM pg_catalog.${name} c WHERE ${own}) r`;
  });
  const { rows } = await client.query(`${parts.join("\nUNION ALL\n")}\nORDER BY 1`);
  const hashes = z.array(z.strictObject({ catalogue: z.string(), hash: z.string() })).parse(rows);
  return createHash("sha256").update(JSON.stringify(hashes)).digest("hex");
}
