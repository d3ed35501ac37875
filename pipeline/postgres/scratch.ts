import pg from "pg";
import { z } from "zod";
import { PipelineError, messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { sqlState } from "./connection.js";
import { serverVersionNumber, type DatabaseProperties } from "./databaseProperties.js";
import { createDatabaseSql, ownershipSql, settingsSql } from "./databasePropertiesSql.js";
import { type ScratchPurpose, parseMark, renderMark, scratchName } from "./scratchName.js";

const ident = pg.escapeIdentifier;

export interface ScratchRequest {
  /** The database that it is a copy of. */
  readonly of: string;
  readonly backup: string;
  readonly purpose: ScratchPurpose;
  readonly properties: DatabaseProperties;
}

/**
 * Makes an empty database beside another one, with its encoding, locale and settings; nobody but its owner and superusers
 * may connect. `client` is connected to the maintenance database.
 *
 * @returns its name.
 * @throws PipelineError if the server refuses to make it.
 */
export async function createScratch(client: pg.ClientBase, request: ScratchRequest): Promise<string> {
  const { properties } = request;
  const name = await freeName(client, (attempt) => scratchName(request.of, request.purpose, request.backup, attempt));
  try {
    const version = await serverVersionNumber(client);
    await client.query(createDatabaseSql(name, properties, version, await tablespaceOf(client, properties)));
    const mark = renderMark({ of: request.of, backup: request.backup, since: new Date().toISOString() });
    await client.query(`COMMENT ON DATABASE ${ident(name)} IS ${pg.escapeLiteral(mark)}`);
    await client.query(`REVOKE ALL ON DATABASE ${ident(name)} FROM PUBLIC`);
    // Before anything is loaded, as pg_dump --create has it: constraints may ask for a setting, and money is read by one.
    for (const sql of settingsSql(name, properties)) await client.query(sql);
    await giveToOwner(client, name, properties.owner);
    return name;
  } catch (error) {
    await dropScratch(client, name).catch(() => undefined);
    throw createError(name, error);
  }
}

/**
 * What is loaded is given to the role that owns it, and PostgreSQL lets nobody but a superuser do so where that role may not make
 * anything in the schema: `public` is the database owner's. So there the database is that role's from the beginning; it cannot connect
 * to it either.
 */
async function giveToOwner(client: pg.ClientBase, name: string, owner: string): Promise<void> {
  const { rows } = await client.query<{ me: string; super: boolean }>(
    "SELECT rolname::text AS me, rolsuper AS super FROM pg_roles WHERE rolname = current_user",
  );
  const [row] = rows;
  if (row === undefined || row.super || row.me === owner) return;
  await client.query(`ALTER DATABASE ${ident(name)} OWNER TO ${ident(owner)}`);
  await client.query(`GRANT ALL ON DATABASE ${ident(name)} TO ${ident(row.me)}`);
  await client.query(`REVOKE CONNECT ON DATABASE ${ident(name)} FROM ${ident(owner)}`);
}

async function tablespaceOf(client: pg.ClientBase, { tablespace }: DatabaseProperties): Promise<string | undefined> {
  if (tablespace === "pg_default") return undefined;
  const { rowCount } = await client.query("SELECT FROM pg_tablespace WHERE spcname = $1", [tablespace]);
  return rowCount === 0 ? undefined : tablespace;
}

/** The first of the names that no database has. */
export async function freeName(client: pg.ClientBase, candidate: (attempt: number) => string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const name = candidate(attempt);
    const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = $1", [name]);
    if (rowCount === 0) return name;
  }
}

/** Drops a database that this program made, with the sessions in it. */
export async function dropScratch(client: pg.ClientBase, name: string): Promise<void> {
  await client.query(`DROP DATABASE IF EXISTS ${ident(name)} WITH (FORCE)`);
}

/** Gives a database its owner and its rights, as the backup has them; all or nothing. */
export async function applyOwnership(
  client: pg.ClientBase,
  name: string,
  properties: DatabaseProperties,
): Promise<void> {
  await client.query("BEGIN");
  try {
    // What it was given for the work; what it has by the backup follows.
    await client.query(`REVOKE ALL ON DATABASE ${ident(name)} FROM CURRENT_USER`);
    for (const { as, sql } of ownershipSql(name, properties)) {
      if (as !== undefined) await client.query(`SET LOCAL ROLE ${ident(as)}`);
      await client.query(sql);
      if (as !== undefined) await client.query("RESET ROLE");
    }
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  }
}

const leftoverRows = z.array(z.strictObject({ name: z.string(), comment: z.string().nullable(), sessions: z.int() }));

/**
 * Drops the databases that runs which were killed made beside `of`. To be called with the pipeline lock held: nobody
 * else is making one, and sessions of this program in it are what a killed run left (`pg_restore` outlives its parent). One in
 * which somebody else is at work stays for the next run.
 */
export async function dropLeftovers(client: pg.ClientBase, of: string, log: Logger): Promise<string[]> {
  const { rows } = await client.query(
    `SELECT d.datname AS name, shobj_description(d.oid, 'pg_database') AS comment,
       (SELECT count(*)::int FROM pg_stat_activity a WHERE a.datid = d.oid AND a.backend_type = 'client backend'
          AND a.application_name NOT LIKE 'safe-migration%') AS sessions
     FROM pg_database d WHERE d.datname <> $1`,
    [of],
  );
  const dropped: string[] = [];
  for (const { name, comment, sessions } of leftoverRows.parse(rows)) {
    if (parseMark(comment)?.of !== of) continue;
    if (sessions > 0) {
      log.warn(
        `database "${name}", left by a run that was stopped, has ${sessions} sessions of others; the next run drops it`,
      );
      continue;
    }
    try {
      await dropScratch(client, name);
      dropped.push(name);
      log.info(`dropped database "${name}", which a run that was stopped had left`);
    } catch (error) {
      log.warn(`database "${name}", left by a run that was stopped, cannot be dropped: ${messageOf(error)}`);
    }
  }
  return dropped;
}

function createError(name: string, cause: unknown): PipelineError {
  const rights = sqlState(cause) === "42501" ? " The role needs CREATEDB." : "";
  return new PipelineError(
    {
      code: "CREATE_DATABASE",
      kind: "failedUnchanged",
      message: `Database "${name}", to restore into, could not be made: ${messageOf(cause)}.${rights}`,
      state: "The database to be restored is as it was.",
      next: "Mend that, then run the same command.",
    },
    { cause },
  );
}
