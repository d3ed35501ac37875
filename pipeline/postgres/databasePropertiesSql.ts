import pg from "pg";
import type { DatabaseProperties, Grant } from "./databaseProperties.js";

const ident = pg.escapeIdentifier;
/** A string constant that is the same under any `standard_conforming_strings`. */
const literal = (text: string) => pg.escapeLiteral(text).trimStart();

/**
 * CREATE DATABASE with what cannot be changed later: encoding and locale. From `template0`, the only template that takes
 * any of them and holds nothing of its own.
 *
 * @param version the server's, as a number; `LOCALE_PROVIDER` came in 15, the built-in one in 17.
 */
export function createDatabaseSql(
  name: string,
  properties: DatabaseProperties,
  version: number,
  tablespace: string | undefined,
): string {
  const { encoding, collate, ctype, localeProvider, locale, icuRules } = properties;
  const parts = [
    "TEMPLATE template0",
    `ENCODING ${literal(encoding)}`,
    `LC_COLLATE ${literal(collate)}`,
    `LC_CTYPE ${literal(ctype)}`,
    ...(version >= 150_000 ? [`LOCALE_PROVIDER ${localeProvider}`] : []),
    ...(localeProvider === "icu" && locale !== undefined ? [`ICU_LOCALE ${literal(locale)}`] : []),
    ...(localeProvider === "icu" && icuRules !== undefined ? [`ICU_RULES ${literal(icuRules)}`] : []),
    ...(localeProvider === "builtin" && locale !== undefined ? [`BUILTIN_LOCALE ${literal(locale)}`] : []),
    ...(tablespace === undefined ? [] : [`TABLESPACE ${ident(tablespace)}`]),
  ];
  return `CREATE DATABASE ${ident(name)} WITH ${parts.join(" ")}`;
}

/**
 * Settings that PostgreSQL keeps as a list of names; each element is a constant of its own in SET (the list that
 * `pg_dump` goes by, `variable_is_guc_list_quote`).
 */
const quotedLists = new Set([
  "local_preload_libraries",
  "search_path",
  "session_preload_libraries",
  "shared_preload_libraries",
  "temp_tablespaces",
  "unix_socket_directories",
]);

/** The elements of a list as PostgreSQL keeps it: names, in double quotes where they need them, with commas between. */
export function splitList(value: string): string[] {
  return [...value.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^",]+))\s*(?:,|$)/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? "").trim() : quoted.replaceAll('""', '"'),
  );
}

/** The statements that give a database the settings of `properties`. */
export function settingsSql(name: string, properties: DatabaseProperties): string[] {
  return properties.settings.map(({ role, name: setting, value }) => {
    const target = role === undefined ? `DATABASE ${ident(name)}` : `ROLE ${ident(role)} IN DATABASE ${ident(name)}`;
    const list = splitList(value);
    const to = quotedLists.has(setting.toLowerCase())
      ? (list.length > 0 ? list : [""]).map(literal).join(", ")
      : literal(value);
    // A setting of an extension or of one's own has a dot, which must not be quoted away.
    return `ALTER ${target} SET ${setting.split(".").map(ident).join(".")} TO ${to}`;
  });
}

/** The statements that give a database its owner and rights; those who grant come before those they let grant. */
export function ownershipSql(name: string, { owner, grants }: DatabaseProperties): { as?: string; sql: string }[] {
  const database = ident(name);
  const who = (grantee: string) => (grantee === "" ? "PUBLIC" : ident(grantee));
  const give = ({ privilege, grantee, grantable }: Grant) =>
    `GRANT ${privilege} ON DATABASE ${database} TO ${who(grantee)}${grantable ? " WITH GRANT OPTION" : ""}`;
  return [
    { sql: `ALTER DATABASE ${database} OWNER TO ${ident(owner)}` },
    { sql: `REVOKE ALL ON DATABASE ${database} FROM PUBLIC` },
    { sql: `REVOKE ALL ON DATABASE ${database} FROM ${ident(owner)}` },
    ...inOrder(owner, grants).map((grant) => ({
      ...(grant.grantor === owner ? {} : { as: grant.grantor }),
      sql: give(grant),
    })),
  ];
}

/** A chain of grant options, from the owner on. */
function inOrder(owner: string, grants: readonly Grant[]): Grant[] {
  const rest = [...grants];
  const ordered: Grant[] = [];
  const may = new Set([owner]);
  while (rest.length > 0) {
    const next = rest.findIndex(({ grantor }) => may.has(grantor));
    const [grant] = rest.splice(Math.max(0, next), 1);
    if (grant === undefined) break;
    ordered.push(grant);
    if (grant.grantable) may.add(grant.grantee);
  }
  return ordered;
}

/** What is set on a database last, when it takes its place. */
export function finishingSql(name: string, properties: DatabaseProperties): string[] {
  const database = ident(name);
  return [
    `ALTER DATABASE ${database} WITH CONNECTION LIMIT ${properties.connectionLimit}`,
    ...(properties.isTemplate ? [`ALTER DATABASE ${database} WITH IS_TEMPLATE true`] : []),
    `COMMENT ON DATABASE ${database} IS ${properties.comment === undefined ? "NULL" : literal(properties.comment)}`,
    ...properties.securityLabels.map(
      ({ provider, label }) => `SECURITY LABEL FOR ${ident(provider)} ON DATABASE ${database} IS ${literal(label)}`,
    ),
  ];
}
