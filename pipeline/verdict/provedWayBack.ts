import pg from "pg";
import type { MigrationRef, Observed, RehearseResult } from "../contracts.js";
import type { MigrationsFolder } from "../prisma/migrations.js";
import { rowsOf } from "../rehearsal/before.js";
import { readShape } from "../rehearsal/shape.js";
import type { Manifest } from "../store/manifest.js";
import { readDown } from "../prisma/down.js";
import { historyTable } from "../prisma/history.js";

/**
 * Why this run's migrations are not taken back by SQL; `undefined`: each of them has a `down.sql`, which the run's rehearsal proved
 * to lead back with all data.
 */
export async function whyNotBySql(
  rehearsal: RehearseResult | undefined,
  {
    appliedSince,
    withoutWayBack,
    failed,
    astray,
  }: Pick<Observed, "appliedSince" | "withoutWayBack" | "failed" | "astray">,
  folder: Pick<MigrationsFolder, "migrations">,
): Promise<string | undefined> {
  const [first] = withoutWayBack;
  if (rehearsal?.verdict !== "proved") return "there was no rehearsal";
  if (appliedSince.length === 0) return "no migration was applied since the backup";
  if (failed.length > 0 || astray.length > 0) return `${[...failed, ...astray].join(", ")}: what is there is not known`;
  if (first !== undefined) return first;
  for (const name of appliedSince) {
    const rehearsed = rehearsal.migrations.find((migration) => migration.name === name);
    const migration = folder.migrations.find((one) => one.name === name);
    if (rehearsed === undefined || migration === undefined) return `${name} was not rehearsed`;
    if (rehearsed.down?.verdict !== "proved") return `the down.sql of ${name} was not proved by the rehearsal`;
    if (rehearsed.changes.length > 0)
      return `the down.sql of ${name} does not bring back: ${rehearsed.changes.join("; ")}`;
    const down = await readDown(migration);
    if (!isSame(rehearsed, migration) || down?.checksum !== rehearsed.down.checksum)
      return `${name} or its down.sql was edited since the rehearsal`;
  }
  return undefined;
}

function isSame(one: MigrationRef, other: MigrationRef): boolean {
  return one.checksum === other.checksum;
}

/** How long one question to a table may take, and wait for a lock, in milliseconds. */
const patienceMs = 30_000;

/**
 * What taking the migrations back by SQL would lose of what was written since into the tables and columns that they added: all but
 * NULL and the column's own default is taken for somebody's.
 *
 * @param then what the run's backup holds.
 * @returns the first that holds something, in a clause; `undefined`: none does.
 */
export async function writtenIntoAdded(
  client: pg.Client,
  { fingerprints: { tables: then } }: Pick<Manifest, "fingerprints">,
): Promise<string | undefined> {
  await client.query(`SET statement_timeout = ${patienceMs}; SET lock_timeout = ${Math.ceil(patienceMs / 10)}`);
  // A default that hands out numbers must not do so here.
  await client.query("SET default_transaction_read_only = on");
  for (const shape of (await readShape(client)).values()) {
    const { schema, name, columns } = shape;
    if (name === historyTable) continue;
    const table = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
    const rows = `${rowsOf(shape, [], [])} AS t`;
    const known = then.find((one) => one.schema === schema && one.name === name);
    if (known === undefined) {
      if (await holds(client, `SELECT FROM ${rows}`)) return `${schema}.${name} is new and holds rows`;
      continue;
    }
    for (const column of columns) {
      if (column.generated || known.columns.includes(column.name)) continue;
      const value = pg.escapeIdentifier(column.name);
      const fallback = await defaultOf(client, table, column.name);
      const other = fallback === undefined ? "" : ` AND ${value} IS DISTINCT FROM (${fallback})`;
      if (await holds(client, `SELECT FROM ${rows} WHERE ${value} IS NOT NULL${other}`))
        return `${schema}.${name}.${column.name} is new and holds values`;
    }
  }
  return undefined;
}

async function holds(client: pg.Client, query: string): Promise<boolean> {
  return (await client.query(`${query} LIMIT 1`)).rowCount !== 0;
}

async function defaultOf(client: pg.Client, table: string, column: string): Promise<string | undefined> {
  const { rows } = await client.query<{ text: string }>(
    `SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS text FROM pg_catalog.pg_attrdef d
      JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
      WHERE d.adrelid = $1::pg_catalog.regclass AND a.attname = $2`,
    [table, column],
  );
  return rows[0]?.text;
}
