import pg from "pg";
import type { Database } from "../../pipeline/contracts.js";
import { messageOf } from "../../pipeline/errors.js";
import { silent } from "../../pipeline/log.js";
import type { NewMigration } from "../../pipeline/prisma/authoring.js";
import type { MigrationsFolder } from "../../pipeline/prisma/migrations.js";
import { Replay } from "../../pipeline/prisma/replay.js";
import { createShadowDatabase } from "../../pipeline/prisma/shadow.js";
import { schemaOf, sessionConfig } from "../../pipeline/prisma/session.js";
import { withClient } from "../../pipeline/postgres/connection.js";
import { compareCatalogues, readCatalogue } from "../../pipeline/rehearsal/catalogue.js";
import type { Change } from "../../pipeline/risk/change.js";
import { changesOf } from "../../pipeline/risk/changes/index.js";
import type { Name } from "../../pipeline/risk/names.js";
import { statementsOf } from "../../pipeline/risk/statements.js";
import { failsOnRows } from "./downSql.js";

const applicationName = "safe-migration shadow";

/** A way back, and what is wrong with it. */
export interface TriedDown {
  readonly sql: string;
  /** Why it does not lead back as it is; empty where it does. */
  readonly problems: readonly string[];
}

/**
 * Tries a way back in an empty database that the migrations of the folder and the new one have made, and looks whether the schema is then
 * what it was before the new one. Where it fails over what depends on a column's old type, it is tried with that taken away before and made
 * again after. `loadParser` must have been awaited.
 *
 * @param sql the way back, as Prisma writes it.
 */
export async function tryDown(
  database: Database,
  folder: MigrationsFolder,
  forward: Pick<NewMigration, "sql">,
  sql: string,
): Promise<TriedDown> {
  const changes = statementsOf(sql).flatMap((statement) => changesOf(statement));
  const required = changes.flatMap((change) => (change.kind === "addColumn" ? failsOnRows(change) : []));
  const tried = await tryOnce(database, folder, forward, sql, changes);
  if (tried.problems.length === 0 || tried.around === undefined)
    return { sql, problems: [...required, ...tried.problems] };
  const again = await tryOnce(database, folder, forward, tried.around, changes);
  return again.problems.length === 0
    ? { sql: tried.around, problems: required }
    : { sql, problems: [...required, ...tried.problems] };
}

interface Attempt {
  readonly problems: readonly string[];
  /** The way back with what is in the way of its changes of type taken away and made again; `undefined` where nothing is. */
  readonly around: string | undefined;
}

async function tryOnce(
  database: Database,
  folder: MigrationsFolder,
  forward: Pick<NewMigration, "sql">,
  sql: string,
  changes: readonly Change[],
): Promise<Attempt> {
  const shadow = await createShadowDatabase(database, silent);
  const inShadow = { ...database, name: shadow.name };
  const session = { database: inShadow, defaultSchema: schemaOf(database) };
  const replay = new Replay(await sessionConfig(session, applicationName));
  const look = <T>(read: (client: pg.Client) => Promise<T>): Promise<T> =>
    withClient(inShadow, { applicationName }, read);
  try {
    // As Prisma's own engine finds it: the schema of the connection is there before the first migration.
    await replay.run(`CREATE SCHEMA IF NOT EXISTS ${pg.escapeIdentifier(session.defaultSchema)};`);
    for (const migration of folder.migrations) await replay.run(migration.sql);
    const before = await look(readCatalogue);
    await replay.run(forward.sql);
    const around = await look((client) => goAround(client, sql, changes, session.defaultSchema));
    try {
      await replay.run(sql);
    } catch (error) {
      return { problems: [`it fails: ${messageOf(error)}`], around };
    }
    return { problems: compareCatalogues(before, await look(readCatalogue)), around };
  } finally {
    await replay.end();
    await shadow.drop();
  }
}

/** Indexes with an expression or a condition, and CHECK constraints: PostgreSQL makes them again for a new type, and cannot where the two have no operator in common. */
const inTheWay = `
  SELECT format('DROP INDEX %s;', x.indexrelid::regclass) AS drop, pg_get_indexdef(x.indexrelid) || ';' AS make
    FROM pg_index x
   WHERE x.indrelid = $1::regclass AND (x.indpred IS NOT NULL OR x.indexprs IS NOT NULL)
     AND EXISTS (SELECT FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = x.indexrelid AND d.refobjid = x.indrelid AND a.attname = ANY ($2))
  UNION ALL
  SELECT format('ALTER TABLE %s DROP CONSTRAINT %I;', k.conrelid::regclass, k.conname),
         format('ALTER TABLE %s ADD CONSTRAINT %I %s;', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
    FROM pg_constraint k
   WHERE k.conrelid = $1::regclass AND k.contype = 'c'
     AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND a.attname = ANY ($2))
  ORDER BY 1`;

async function goAround(
  client: pg.Client,
  sql: string,
  changes: readonly Change[],
  defaultSchema: string,
): Promise<string | undefined> {
  const columns = new Map<string, string[]>();
  for (const change of changes) {
    if (change.kind !== "alterType") continue;
    const table = quoted(change.table, defaultSchema);
    columns.set(table, [...(columns.get(table) ?? []), change.column]);
  }
  // Every name is then written with its schema.
  await client.query("SET search_path TO pg_catalog");
  const found: { drop: string; make: string }[] = [];
  for (const [table, names] of columns) {
    found.push(...(await client.query<{ drop: string; make: string }>(inTheWay, [table, names])).rows);
  }
  if (found.length === 0) return undefined;
  return [
    "-- What PostgreSQL cannot make again by itself for the other type.",
    ...found.map(({ drop }) => drop),
    "",
    sql.trim(),
    "",
    ...found.map(({ make }) => make),
  ].join("\n");
}

function quoted({ schema, name }: Name, defaultSchema: string): string {
  return `${pg.escapeIdentifier(schema ?? defaultSchema)}.${pg.escapeIdentifier(name)}`;
}
