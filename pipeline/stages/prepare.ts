import pg from "pg";
import type { StageContext } from "../context.js";
import type { PrepareRequest, PrepareResult } from "../contracts.js";
import { newPassword, scramVerifier } from "../local/passfile.js";
import { withClient } from "../postgres/connection.js";
import { assertEnvironment, markEnvironment } from "../postgres/identity.js";
import { hasSecretValue, putSecret } from "../postgres/secret.js";
import { stamp } from "./stamp.js";

/**
 * Makes a new database of a managed server (RDS) what the pipeline and the application expect: the application's role, which
 * owns it, with a password in its secret; the environment's mark; no other role that may connect. What is there already stays.
 *
 * @throws PipelineError where the database is another environment's, or the secret cannot be written.
 */
export async function prepare(request: PrepareRequest, { log }: StageContext): Promise<PrepareResult> {
  const started = Date.now();
  const { database, environment, applicationSecret } = request;
  const { migrateAs: owner, name } = database;
  const made = await withClient(database, { applicationName: "safe-migration prepare" }, async (client) => {
    await assertEnvironment(client, environment);
    const role = pg.escapeIdentifier(owner);
    const { rowCount } = await client.query("SELECT FROM pg_roles WHERE rolname = $1", [owner]);
    if (rowCount === 0) await client.query(`CREATE ROLE ${role} LOGIN NOCREATEDB NOCREATEROLE`);
    // First the server, then the secret: what is interrupted between them has none, and is done again.
    const password = rowCount !== 0 && (await hasSecretValue(applicationSecret)) ? undefined : newPassword();
    if (password !== undefined) {
      await client.query(`ALTER ROLE ${role} PASSWORD ${pg.escapeLiteral(scramVerifier(password))}`);
      const { host, port } = database;
      const value = { engine: "postgres", host, port, dbname: name, username: owner, password };
      await putSecret(applicationSecret, JSON.stringify(value));
      log.info(`the application's role "${owner}" has a password, which is in ${applicationSecret}`);
    }
    await takeOver(client, name, owner);
    await markEnvironment(client, name, environment);
    await client.query(`REVOKE CONNECT, TEMPORARY ON DATABASE ${pg.escapeIdentifier(name)} FROM PUBLIC`);
    return password !== undefined;
  });
  return { stage: "prepare", ...stamp(request, started), newPassword: made };
}

/** An administrator that is no superuser must be a member of the role that is to own the database, to act as it (`SET ROLE`). */
async function takeOver(client: pg.Client, name: string, owner: string): Promise<void> {
  const { rows } = await client.query<{ member: boolean; owns: boolean }>(
    `SELECT pg_has_role(current_user, $1, 'USAGE') AND pg_has_role(current_user, $1, 'MEMBER') AS member,
            EXISTS (SELECT FROM pg_database WHERE datname = $2 AND pg_get_userbyid(datdba) = $1) AS owns`,
    [owner, name],
  );
  const [row] = rows;
  const role = pg.escapeIdentifier(owner);
  if (row?.member === false) await client.query(`GRANT ${role} TO CURRENT_USER`);
  if (row?.owns === false) await client.query(`ALTER DATABASE ${pg.escapeIdentifier(name)} OWNER TO ${role}`);
}
