import type { Database } from "../../pipeline/contracts.js";

/** The environment variable in which a URL's password travels inside one process, once it is taken out of the URL. */
export const urlPasswordVariable = "SAFE_MIGRATION_URL_PASSWORD";

/** What a connection URL says, its password apart. */
export interface ParsedUrl {
  readonly database: Database;
  readonly password: string | undefined;
}

/**
 * The URL of a database without its password, for Prisma's CLI: it hands the URL on in the arguments of a process, where everybody
 * on the machine can read it.
 */
export function urlWithoutPassword({ host, port, name, user, schema = "public" }: Database): string {
  const socket = host.startsWith("/");
  const query = new URLSearchParams({ schema, ...(socket ? { host } : {}) });
  const address = socket ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return `postgresql://${encodeURIComponent(user)}@${address}:${port}/${encodeURIComponent(name)}?${query.toString()}`;
}

/** Reads a connection URL as Prisma does; `undefined` where it is none for PostgreSQL. */
export function parseUrl(text: string): ParsedUrl | undefined {
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const socket = url.searchParams.get("host");
  const host = socket ?? decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, "$1");
  const user = decodeURIComponent(url.username);
  const name = decodeURIComponent(url.pathname.slice(1));
  const schema = url.searchParams.get("schema");
  if (host === "" || user === "") return undefined;
  const password = url.password === "" ? undefined : decodeURIComponent(url.password);
  return {
    database: {
      host,
      port: Number(url.port === "" ? 5432 : url.port),
      // PostgreSQL's own default.
      name: name === "" ? "postgres" : name,
      user,
      password: password === undefined ? { from: "none" } : { from: "environment", variable: urlPasswordVariable },
      ...(schema === null ? {} : { schema }),
    },
    password,
  };
}

/** Whether both are the same database, reached the same way by the same user. */
export function sameTarget(a: Database, b: Database): boolean {
  return a.host === b.host && a.port === b.port && a.name === b.name && a.user === b.user;
}
