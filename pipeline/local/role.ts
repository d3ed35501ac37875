import pg from "pg";
import { newPassword, readPassfile, scramVerifier, writePassfile } from "./passfile.js";

/** Where a role's password is kept. */
export interface PasswordPlace {
  readonly directory: string;
  readonly host: string;
  readonly port: number;
}

/**
 * A role that may log in and own a database, and nothing more; made if it is not there, and given a new password where
 * the password file has none, since then nobody knows it.
 *
 * @param client connected as a superuser
 */
export async function ensureRole(client: pg.Client, place: PasswordPlace, name: string): Promise<void> {
  const known = (await readPassfile(place.directory))?.passwords ?? new Map<string, string>();
  const { rowCount } = await client.query("SELECT FROM pg_roles WHERE rolname = $1", [name]);
  const role = pg.escapeIdentifier(name);
  if (rowCount === 0)
    await client.query(`CREATE ROLE ${role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS`);
  if (rowCount !== 0 && known.has(name)) return;
  const password = newPassword();
  // First the server, then the file: what is interrupted between them has no line in the file, and is done again.
  await client.query(`ALTER ROLE ${role} PASSWORD ${pg.escapeLiteral(scramVerifier(password))}`);
  await writePassfile(place.directory, place.host, place.port, new Map([...known, [name, password]]));
}

/** @param client connected as a superuser, to another database */
export async function createDatabase(
  client: pg.Client,
  name: string,
  options: { owner?: string; template?: string },
): Promise<void> {
  const parts = [`CREATE DATABASE ${pg.escapeIdentifier(name)}`];
  if (options.owner !== undefined) parts.push(`OWNER ${pg.escapeIdentifier(options.owner)}`);
  if (options.template !== undefined) parts.push(`TEMPLATE ${pg.escapeIdentifier(options.template)}`);
  await client.query(parts.join(" "));
}
