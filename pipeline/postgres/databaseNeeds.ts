import pg from "pg";
import { z } from "zod";
import { PipelineError } from "../errors.js";

/** What a database uses of its cluster, and what a cluster must have for it to be restored there. */
export const databaseNeedsSchema = z.strictObject({
  roles: z.array(
    z.strictObject({
      name: z.string(),
      superuser: z.boolean(),
      login: z.boolean(),
      inherit: z.boolean(),
      createRole: z.boolean(),
      createDatabase: z.boolean(),
      replication: z.boolean(),
      bypassRowSecurity: z.boolean(),
    }),
  ),
  extensions: z.array(z.strictObject({ name: z.string(), version: z.string() })),
  tablespaces: z.array(z.string()),
  subscriptions: z.array(z.string()),
});
export type DatabaseNeeds = z.infer<typeof databaseNeedsSchema>;
type Role = DatabaseNeeds["roles"][number];

/**
 * Reads what the connected database needs. Roles: every one that an object of the database names: owners, grants, policies,
 * default privileges (`pg_shdepend` records them all, save the cluster's first superuser), and role settings.
 */
export async function readDatabaseNeeds(client: pg.ClientBase): Promise<DatabaseNeeds> {
  const roles = await client.query(`
    WITH here AS (SELECT oid, datdba FROM pg_database WHERE datname = current_database())
    SELECT r.rolname AS name, r.rolsuper AS superuser, r.rolcanlogin AS login, r.rolinherit AS inherit,
      r.rolcreaterole AS "createRole", r.rolcreatedb AS "createDatabase", r.rolreplication AS replication,
      r.rolbypassrls AS "bypassRowSecurity"
    FROM pg_roles r
    WHERE r.rolname !~ '^pg_' AND r.oid IN (
      SELECT s.refobjid FROM pg_shdepend s, here WHERE s.refclassid = 'pg_authid'::regclass
        AND (s.dbid = here.oid OR (s.classid = 'pg_database'::regclass AND s.objid = here.oid))
      UNION SELECT datdba FROM here
      UNION SELECT s.setrole FROM pg_db_role_setting s, here WHERE s.setdatabase = here.oid
      UNION SELECT relowner FROM pg_class WHERE oid >= 16384
      UNION SELECT proowner FROM pg_proc WHERE oid >= 16384
      UNION SELECT typowner FROM pg_type WHERE oid >= 16384
      UNION SELECT nspowner FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_'
      UNION SELECT lomowner FROM pg_largeobject_metadata)
    ORDER BY r.rolname COLLATE "C"`);
  const extensions = await client.query(
    `SELECT extname AS name, extversion AS version FROM pg_extension ORDER BY extname COLLATE "C"`,
  );
  const tablespaces = await client.query<{ name: string }>(`
    SELECT t.spcname AS name FROM pg_tablespace t
    WHERE t.oid IN (SELECT reltablespace FROM pg_class WHERE relpersistence <> 't')
      AND t.spcname NOT IN ('pg_default', 'pg_global') ORDER BY 1`);
  const subscriptions = await client.query<{ name: string }>(`
    SELECT subname AS name FROM pg_subscription
    WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1`);
  return databaseNeedsSchema.parse({
    roles: roles.rows,
    extensions: extensions.rows,
    tablespaces: tablespaces.rows.map(({ name }) => name),
    subscriptions: subscriptions.rows.map(({ name }) => name),
  });
}

/**
 * Looks, before anything is made, whether a cluster has what a database needs.
 *
 * @returns the tablespaces that are missing; what was in them goes to the default one.
 * @throws PipelineError with the commands that make the roles, or the extensions to install.
 */
export async function assertNeedsMet(client: pg.ClientBase, needs: DatabaseNeeds): Promise<string[]> {
  const roles = await missing(client, "SELECT rolname AS name FROM pg_roles", needs.roles.map(nameOf));
  if (roles.length > 0) {
    const commands = needs.roles.filter(({ name }) => roles.includes(name)).map(createRoleSql);
    throw new PipelineError({
      code: "ROLES_MISSING",
      kind: "refused",
      message: `The backup's database is owned by, or grants rights to, roles that this cluster lacks: ${roles.join(", ")}.`,
      state: "Nothing was touched.",
      next: `Make them, with the passwords and memberships that they need: ${commands.join(" ")} Then run the same command.`,
    });
  }
  const extensions = await missing(client, "SELECT name FROM pg_available_extensions", needs.extensions.map(nameOf));
  if (extensions.length > 0) {
    throw new PipelineError({
      code: "EXTENSIONS_MISSING",
      kind: "refused",
      message: `The backup's database uses extensions that this server does not offer: ${extensions.join(", ")}.`,
      state: "Nothing was touched.",
      next: "Install their packages on the server (for PostgreSQL's own ones: postgresql-contrib), then run the same command.",
    });
  }
  return missing(client, "SELECT spcname AS name FROM pg_tablespace", needs.tablespaces);
}

const nameOf = ({ name }: { name: string }) => name;

async function missing(client: pg.ClientBase, sql: string, wanted: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(sql);
  const there = new Set(rows.map(nameOf));
  return wanted.filter((name) => !there.has(name));
}

function createRoleSql(role: Role): string {
  const options = [
    role.login ? "LOGIN" : "NOLOGIN",
    ...(role.superuser ? ["SUPERUSER"] : []),
    ...(role.inherit ? [] : ["NOINHERIT"]),
    ...(role.createRole ? ["CREATEROLE"] : []),
    ...(role.createDatabase ? ["CREATEDB"] : []),
    ...(role.replication ? ["REPLICATION"] : []),
    ...(role.bypassRowSecurity ? ["BYPASSRLS"] : []),
  ];
  return `CREATE ROLE ${pg.escapeIdentifier(role.name)} ${options.join(" ")};`;
}
