import type { Step } from "../script.js";
import { environmentSetting } from "../../../pipeline/postgres/identity.js";
import { applicationUser, hostPaths, pipelineUser, postgresPort } from "../../../config/hostPaths.js";

export interface HostDatabase {
  readonly name: string;
  /** The application's role; owns the database and all that migrations create. */
  readonly owner: string;
  /** The database carries it as its mark. */
  readonly environment: string;
}

const known = `${hostPaths.data}/postgresql/databases`;

/**
 * The roles, the database with its mark, and the application's password, made here and written for the application's account
 * alone. A database that was made before and is gone is not made again: an empty one in its place would look healthy.
 */
export function databaseStep({ name, owner, environment }: HostDatabase): Step {
  for (const word of [name, owner]) {
    if (!/^[a-z_][a-z0-9_]{0,49}$/.test(word)) throw new Error(`"${word}" is no name of a database or role`);
  }
  if (!/^[a-z][a-z0-9-]*$/.test(environment)) throw new Error(`"${environment}" is no name of an environment`);
  if ([pipelineUser, "postgres"].includes(owner)) throw new Error(`the application's role cannot be "${owner}"`);
  return {
    name: "database",
    body: `
sql() { runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d "$1"; }
sql postgres <<'SQL'
SELECT 'CREATE ROLE ${pipelineUser} LOGIN SUPERUSER' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${pipelineUser}') \\gexec
ALTER ROLE ${pipelineUser} LOGIN SUPERUSER PASSWORD NULL;
SELECT 'CREATE ROLE "${owner}" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS'
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${owner}') \\gexec
SQL
there=$(sql postgres <<<"SELECT count(*) FROM pg_database WHERE datname = '${name}'")
if [ "$there" = 0 ]; then
  ! grep -qsx '${name}' ${known} ||
    fail "the database ${name} was made on this volume before and is not there any more; no empty one was made in its place: restore a backup, or remove its line from ${known}"
  sql postgres <<<'CREATE DATABASE "${name}" OWNER "${owner}"'
fi
mark=$(sql '${name}' <<<"SELECT coalesce(current_setting('${environmentSetting}', true), '')")
[ -z "$mark" ] || [ "$mark" = ${environment} ] ||
  fail "the database ${name} is marked as $mark, and this host is ${environment}: another environment's volume is attached; nothing was changed"
sql postgres <<'SQL'
ALTER DATABASE "${name}" SET ${environmentSetting} = '${environment}';
REVOKE CONNECT, TEMPORARY ON DATABASE "${name}" FROM PUBLIC;
SQL
grep -qsx '${name}' ${known} || echo '${name}' >>${known}
if [ ! -s ${hostPaths.applicationEnvironment} ]; then
  password=$(openssl rand -hex 24)
  printf '%s\\n' "ALTER ROLE \\"${owner}\\" PASSWORD '$password'" | sql postgres
  (umask 077 && printf 'DATABASE_URL=postgresql://%s:%s@localhost:%s/%s\\n' '${owner}' "$password" ${postgresPort} '${name}' >${hostPaths.applicationEnvironment}.new)
  chown ${applicationUser}:${applicationUser} ${hostPaths.applicationEnvironment}.new
  mv ${hostPaths.applicationEnvironment}.new ${hostPaths.applicationEnvironment}
fi`,
  };
}
