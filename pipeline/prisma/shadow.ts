import { createHash, randomBytes } from "node:crypto";
import pg from "pg";
import type { Database } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { connect, sqlState } from "../postgres/connection.js";

/** An empty database beside the application's, in which Prisma replays migrations; gone after `drop`. */
export interface ShadowDatabase {
  readonly name: string;
  drop(): Promise<void>;
}

const prefix = "safe_migration_shadow_";

/** First half of the advisory locks by which a shadow database in use is told from one that a crash left. */
const lockClass = 7_270;

/**
 * Makes an empty database with the encoding and locale of the application's, owned by the role that migrations run as. Those
 * that a killed run left behind are dropped first: only such as carry our mark, belong to this database and are in nobody's use.
 *
 * @throws PipelineError (`refused`) where the role may not create databases.
 */
export async function createShadowDatabase(database: Database, log: Logger): Promise<ShadowDatabase> {
  const client = await connect(database, { applicationName: "safe-migration shadow" });
  try {
    await dropLeftovers(client, database, log);
    const name = beginningOf(database.name) + randomBytes(6).toString("hex");
    // Held until the shadow database is dropped; the server lets go of it when this process dies.
    await client.query("select pg_advisory_lock($1, hashtext($2))", [lockClass, name]);
    await client.query(await createStatement(client, name, database.migrateAs));
    const drop = async (): Promise<void> => {
      try {
        await client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
      } finally {
        await client.end().catch(() => undefined);
      }
    };
    await client
      .query(`comment on database ${pg.escapeIdentifier(name)} is ${pg.escapeLiteral(markOf(database.name))}`)
      .catch(async (error: unknown) => {
        await drop();
        throw error;
      });
    return { name, drop };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw refusal(error, database);
  }
}

/** Comment on a shadow database, by which the next run knows it as ours and as this database's. */
function markOf(name: string): string {
  return `safe-migration: shadow database of "${name}"; empty, in use for seconds only, and may be dropped`;
}

/** How the names of a database's shadow databases begin: one that was killed before it got its comment is known by it. */
function beginningOf(name: string): string {
  return `${prefix}${createHash("sha256").update(name).digest("hex").slice(0, 8)}_`;
}

async function dropLeftovers(client: pg.Client, database: Database, log: Logger): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select d.datname as name from pg_database d
      where d.datname like $1 and coalesce(shobj_description(d.oid, 'pg_database'), $2) = $2
        and (starts_with(d.datname, $3) or shobj_description(d.oid, 'pg_database') is not null)
        and not exists (select from pg_stat_activity a where a.datid = d.oid)`,
    [`${prefix.replaceAll("_", "\\_")}%`, markOf(database.name), beginningOf(database.name)],
  );
  for (const { name } of rows) {
    const { rows: locks } = await client.query<{ free: boolean }>(
      "select pg_try_advisory_lock($1, hashtext($2)) as free",
      [lockClass, name],
    );
    if (locks[0]?.free !== true) continue;
    try {
      // Without FORCE: it fails if somebody has just connected. It may also have been dropped by another run meanwhile.
      await client.query(`drop database if exists ${pg.escapeIdentifier(name)}`);
      log.info(`dropped the shadow database ${name}, which an interrupted run had left`);
    } catch (error) {
      log.warn(`the shadow database ${name} of an interrupted run could not be dropped: ${messageOf(error)}`);
    }
    await client.query("select pg_advisory_unlock($1, hashtext($2))", [lockClass, name]);
  }
}

interface Locale {
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  readonly provider: string | undefined;
  readonly locale: string | undefined;
}

async function createStatement(client: pg.Client, name: string, owner: string | undefined): Promise<string> {
  // Columns came with versions: datlocprovider with 15, daticulocale (15, 16) became datlocale in 17.
  const { rows } = await client.query<Locale>(
    `select pg_encoding_to_char(encoding) as encoding, datcollate as "collate", datctype as ctype,
            to_jsonb(d) ->> 'datlocprovider' as provider,
            coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') as locale
       from pg_database d where datname = current_database()`,
  );
  const found = rows[0];
  if (found === undefined) throw new Error("pg_database has no row of the current database");
  return createShadowStatement(name, owner, found);
}

/** The statement that makes a database like the one whose encoding and locale are given. */
export function createShadowStatement(name: string, owner: string | undefined, like: Locale): string {
  const { provider, locale } = like;
  const other =
    provider === "i" && locale != null
      ? ` locale_provider icu icu_locale ${pg.escapeLiteral(locale)}`
      : provider === "b" && locale != null
        ? ` locale_provider builtin builtin_locale ${pg.escapeLiteral(locale)}`
        : "";
  return (
    `create database ${pg.escapeIdentifier(name)} template template0 encoding ${pg.escapeLiteral(like.encoding)}` +
    ` lc_collate ${pg.escapeLiteral(like.collate)} lc_ctype ${pg.escapeLiteral(like.ctype)}${other}` +
    (owner === undefined ? "" : ` owner ${pg.escapeIdentifier(owner)}`)
  );
}

function refusal(error: unknown, database: Database): unknown {
  if (sqlState(error) !== "42501") return error;
  return new PipelineError(
    {
      code: "MISSING_RIGHT",
      kind: "refused",
      message: `Role "${database.user}" may not make the shadow database in which the migrations are replayed: ${messageOf(error)}.`,
      state: "Nothing was touched.",
      next: `As a superuser run: ALTER ROLE ${pg.escapeIdentifier(database.user)} CREATEDB; then run the same command.`,
    },
    { cause: error },
  );
}
