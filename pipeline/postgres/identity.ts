import pg from "pg";
import type { Identity } from "../contracts.js";
import { PipelineError } from "../errors.js";

/** Database setting that names the environment a database belongs to. */
export const environmentSetting = "safe_migration.environment";

/** How the connected database is known, whatever the URL says. */
export async function readIdentity(client: pg.Client): Promise<Identity> {
  const { rows } = await client.query<{ system: string; database: string; version: string }>(
    `SELECT system_identifier::text AS system, current_database() AS database, current_setting('server_version') AS version
       FROM pg_control_system()`,
  );
  const row = rows[0];
  if (row === undefined) throw new Error("pg_control_system() returned no row");
  return { systemIdentifier: row.system, database: row.database, serverVersion: row.version };
}

const commentMark = /\s*\[safe_migration\.environment=([^\]\s]+)\]/;

/** The environment that the database is marked with; `undefined` where it carries no mark. */
export async function readEnvironmentMark(client: pg.Client): Promise<string | undefined> {
  const { rows } = await client.query<{ mark: string | null; comment: string | null }>(
    `SELECT current_setting($1, true) AS mark, shobj_description(oid, 'pg_database') AS comment
     FROM pg_database WHERE datname = current_database()`,
    [environmentSetting],
  );
  return rows[0]?.mark || commentMark.exec(rows[0]?.comment ?? "")?.[1];
}

/**
 * Marks a database as an environment's. Since 15, PostgreSQL lets only a superuser keep a setting of one's own in a database; the
 * administrator of a managed server is none, so there the mark is a part of the database's comment.
 */
export async function markEnvironment(client: pg.Client, name: string, environment: string): Promise<void> {
  const database = pg.escapeIdentifier(name);
  try {
    await client.query(
      `ALTER DATABASE ${database} SET ${pg.escapeIdentifier(environmentSetting)} = ${pg.escapeLiteral(environment)}`,
    );
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== "42501") throw error;
    const { rows } = await client.query<{ comment: string | null }>(
      "SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = $1",
      [name],
    );
    const comment = withCommentMark(rows[0]?.comment ?? undefined, environment);
    await client.query(`COMMENT ON DATABASE ${database} IS ${pg.escapeLiteral(comment).trimStart()}`);
  }
}

/** A database's comment with the mark in it. */
export function withCommentMark(comment: string | undefined, environment: string): string {
  return `${(comment ?? "").replace(commentMark, "")} [${environmentSetting}=${environment}]`.trimStart();
}

/** @throws PipelineError where the database is marked as another environment's. */
export async function assertEnvironment(client: pg.Client, environment: string): Promise<void> {
  const mark = await readEnvironmentMark(client);
  if (mark === undefined || mark === environment) return;
  throw new PipelineError({
    code: "WRONG_ENVIRONMENT",
    kind: "refused",
    message: `This command is meant for "${environment}", and the database says that it is "${mark}" (setting ${environmentSetting}).`,
    state: "Nothing was touched.",
    next: `Point the configuration of "${environment}" at its own database, or run the command for "${mark}".`,
  });
}

/** As {@link assertEnvironment}; a database without a mark is refused as well: what is to be replaced must be known for sure. */
export async function markOrThrow(client: pg.Client, environment: string): Promise<void> {
  await assertEnvironment(client, environment);
  if ((await readEnvironmentMark(client)) !== undefined) return;
  throw new PipelineError({
    code: "NO_MARK",
    kind: "refused",
    message: `The database carries no mark that it is that of "${environment}" (setting ${environmentSetting}).`,
    state: "Nothing was touched.",
    next: `If it is: ALTER DATABASE … SET ${environmentSetting} = '${environment}'; then run the same command.`,
  });
}

/** @throws PipelineError where a database is not the one that an earlier stage of the run saw. */
export function assertSameDatabase(seen: Identity, now: Identity): void {
  if (seen.systemIdentifier === now.systemIdentifier && seen.database === now.database) return;
  throw new PipelineError({
    code: "OTHER_DATABASE",
    kind: "refused",
    message:
      `The stage before saw database "${seen.database}" of cluster ${seen.systemIdentifier}; ` +
      `this is "${now.database}" of cluster ${now.systemIdentifier}.`,
    state: "Nothing was touched.",
    next: "Run the whole pipeline again, so that all its stages see one database.",
  });
}
