import type pg from "pg";
import { z } from "zod";

/** A right on the database itself. */
const grantSchema = z.strictObject({
  /** `""`: everybody (PUBLIC). */
  grantee: z.string(),
  grantor: z.string(),
  privilege: z.enum(["CREATE", "CONNECT", "TEMPORARY"]),
  grantable: z.boolean(),
});
export type Grant = z.infer<typeof grantSchema>;

/** What belongs to a database itself, and which `pg_dump` without `--create` leaves out. */
export const databasePropertiesSchema = z.strictObject({
  owner: z.string(),
  encoding: z.string(),
  collate: z.string(),
  ctype: z.string(),
  /** `libc`, `icu` or `builtin` (from 17). */
  localeProvider: z.enum(["libc", "icu", "builtin"]),
  /** The ICU or built-in locale; absent with libc. */
  locale: z.string().optional(),
  icuRules: z.string().optional(),
  tablespace: z.string(),
  /** -1: no limit. */
  connectionLimit: z.int(),
  isTemplate: z.boolean(),
  comment: z.string().optional(),
  /** Rights as they are in effect, the default ones included. */
  grants: z.array(grantSchema),
  /** ALTER DATABASE … SET, and ALTER ROLE … IN DATABASE … SET where `role` is there; value as PostgreSQL keeps it. */
  settings: z.array(z.strictObject({ role: z.string().optional(), name: z.string(), value: z.string() })),
  securityLabels: z.array(z.strictObject({ provider: z.string(), label: z.string() })),
});
export type DatabaseProperties = z.infer<typeof databasePropertiesSchema>;

const row = z.strictObject({
  owner: z.string(),
  encoding: z.string(),
  collate: z.string(),
  ctype: z.string(),
  provider: z.string(),
  locale: z.string().nullable(),
  rules: z.string().nullable(),
  tablespace: z.string(),
  limit: z.int(),
  template: z.boolean(),
  comment: z.string().nullable(),
});

/** Catalogue columns by version: the provider came in 15, ICU rules in 16, one `datlocale` for all in 17. */
function localeColumns(version: number): string {
  if (version >= 170_000) return "d.datlocprovider::text AS provider, d.datlocale AS locale, d.daticurules AS rules";
  if (version >= 160_000) return "d.datlocprovider::text AS provider, d.daticulocale AS locale, d.daticurules AS rules";
  if (version >= 150_000) return "d.datlocprovider::text AS provider, d.daticulocale AS locale, NULL::text AS rules";
  return "'c' AS provider, NULL::text AS locale, NULL::text AS rules";
}

const providers: Readonly<Record<string, DatabaseProperties["localeProvider"]>> = { c: "libc", i: "icu", b: "builtin" };

/** Reads the properties of a database of the connected cluster; default: the connected one. */
export async function readDatabaseProperties(client: pg.ClientBase, name?: string): Promise<DatabaseProperties> {
  const target = name ?? (await currentDatabase(client));
  const version = await serverVersionNumber(client);
  const found = await client.query(
    `SELECT pg_get_userbyid(d.datdba) AS owner, pg_encoding_to_char(d.encoding) AS encoding, d.datcollate AS collate,
       d.datctype AS ctype, ${localeColumns(version)}, t.spcname AS tablespace, d.datconnlimit AS "limit",
       d.datistemplate AS template, shobj_description(d.oid, 'pg_database') AS comment
     FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = $1`,
    [target],
  );
  const [read] = z.tuple([row]).parse(found.rows);
  const provider = providers[read.provider];
  if (provider === undefined) throw new Error(`pg_database: unknown locale provider ${read.provider}`);
  return {
    owner: read.owner,
    encoding: read.encoding,
    collate: read.collate,
    ctype: read.ctype,
    localeProvider: provider,
    ...(read.locale === null ? {} : { locale: read.locale }),
    ...(read.rules === null ? {} : { icuRules: read.rules }),
    tablespace: read.tablespace,
    connectionLimit: read.limit,
    isTemplate: read.template,
    ...(read.comment === null ? {} : { comment: read.comment }),
    grants: await readGrants(client, target),
    settings: await readSettings(client, target),
    securityLabels: await readLabels(client, target),
  };
}

async function readGrants(client: pg.ClientBase, name: string): Promise<Grant[]> {
  const { rows } = await client.query(
    `SELECT CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee) END AS grantee,
       pg_get_userbyid(a.grantor) AS grantor, a.privilege_type AS privilege, a.is_grantable AS grantable
     FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
     WHERE d.datname = $1 ORDER BY 2, 1, 3`,
    [name],
  );
  return z.array(grantSchema).parse(rows);
}

async function readSettings(client: pg.ClientBase, name: string): Promise<DatabaseProperties["settings"]> {
  const { rows } = await client.query(
    `SELECT r.rolname AS role, entry
     FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
       LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) WITH ORDINALITY AS e(entry, at)
     WHERE d.datname = $1 AND (s.setrole = 0 OR r.rolname IS NOT NULL) ORDER BY s.setrole, at`,
    [name],
  );
  return z
    .array(z.strictObject({ role: z.string().nullable(), entry: z.string() }))
    .parse(rows)
    .map(({ role, entry }) => {
      const split = entry.indexOf("=");
      return { ...(role === null ? {} : { role }), name: entry.slice(0, split), value: entry.slice(split + 1) };
    });
}

async function readLabels(client: pg.ClientBase, name: string): Promise<DatabaseProperties["securityLabels"]> {
  const { rows } = await client.query(
    `SELECT l.provider, l.label FROM pg_shseclabel l JOIN pg_database d ON d.oid = l.objoid
     WHERE l.classoid = 'pg_database'::regclass AND d.datname = $1 ORDER BY l.provider`,
    [name],
  );
  return z.array(z.strictObject({ provider: z.string(), label: z.string() })).parse(rows);
}

async function currentDatabase(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query("SELECT current_database() AS name");
  return z.tuple([z.object({ name: z.string() })]).parse(rows)[0].name;
}

/** The server's version as a number: 150018 for 15.18. */
export async function serverVersionNumber(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query("SELECT current_setting('server_version_num')::int AS version");
  return z.tuple([z.object({ version: z.int() })]).parse(rows)[0].version;
}
