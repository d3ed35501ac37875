import pg from "pg";
import type { Database } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import { describeSource, readPassword } from "./password.js";
import { libpqTls, nodeTls } from "./tls.js";

export { findInPassfile, readPassword } from "./password.js";

/** Where stages work on databases other than the application's: creating, renaming and dropping them. */
export const maintenanceDatabase = "postgres";

export interface ConnectOptions {
  /** Another database of the same cluster. */
  readonly database?: string;
  /** Shown in `pg_stat_activity`, so that a blocked person sees who it is. */
  readonly applicationName: string;
  /** Act as this role from the first statement on (`SET ROLE`). */
  readonly role?: string;
  /** Session settings, e.g. `{ lock_timeout: "5s" }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** What `pg` needs to connect as `database` says. @throws PipelineError if the password cannot be found. */
export async function clientConfig(database: Database, options: ConnectOptions): Promise<pg.ClientConfig> {
  const settings = { ...options.settings, ...(options.role === undefined ? {} : { role: options.role }) };
  const flags = Object.entries(settings).map(([name, value]) => `-c ${name}=${value.replace(/([\\ ])/g, "\\$1")}`);
  return {
    host: database.host,
    port: database.port,
    user: database.user,
    database: options.database ?? database.name,
    password: await readPassword(database.password, database),
    ...(database.tls === undefined ? {} : { ssl: await nodeTls(database.tls, database.host) }),
    application_name: options.applicationName,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    ...(flags.length > 0 ? { options: flags.join(" ") } : {}),
  };
}

/** Environment with which libpq programs (`pg_dump`, `psql`, …) connect; nothing of it is shown by `ps`. */
export async function libpqEnvironment(database: Database, name = database.name): Promise<Record<string, string>> {
  const password = await readPassword(database.password, database);
  return {
    PGHOST: database.host,
    PGPORT: String(database.port),
    PGUSER: database.user,
    PGDATABASE: name,
    PGAPPNAME: "safe-migration",
    PGCONNECT_TIMEOUT: "10",
    ...(password === undefined ? {} : { PGPASSWORD: password }),
    ...(database.tls === undefined ? {} : await libpqTls(database.tls)),
  };
}

/**
 * The connection as libpq's `--dbname`, without its password. What stands here wins over `PGSERVICE` and `PGHOSTADDR` of
 * whoever runs this, which would otherwise send `pg_dump` to another server than the one that was checked.
 */
export function conninfo(database: Database, name = database.name): string {
  const parts = { host: database.host, hostaddr: "", port: String(database.port), user: database.user, dbname: name };
  return Object.entries(parts)
    .map(([key, value]) => `${key}='${value.replace(/[\\']/g, "\\$&")}'`)
    .join(" ");
}

/** @throws PipelineError with what happened in words, if the database cannot be reached. */
export async function connect(database: Database, options: ConnectOptions): Promise<pg.Client> {
  const client = new pg.Client(await clientConfig(database, options));
  // A connection lost between two queries is told by the next query; without a listener it would end the process.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw connectError(error, database, options.database ?? database.name);
  }
}

/** Runs `work` with a connection of its own and ends it afterwards. */
export async function withClient<T>(
  database: Database,
  options: ConnectOptions,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connect(database, options);
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The SQLSTATE of an error from PostgreSQL, if it is one. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** Whether a connection was refused or lost, rather than what was sent over it. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = sqlState(error) ?? (error as NodeJS.ErrnoException).code ?? "";
  // Classes 08 (connection) and 28 (authentication); shutdown and start of the server, too many clients; and the network's own.
  return (
    /^(08|28)...$|^57P0[1-3]$|^53300$|^3D000$|^E[A-Z]+$/.test(code) || /^Connection terminated/.test(messageOf(error))
  );
}

/** What is told of a connection that was refused or lost before anything was sent. */
export function connectError(error: unknown, database: Database, name: string): PipelineError {
  const where = `database "${name}" at ${database.host}:${database.port} as ${database.user}`;
  const details = explain(error, where, database);
  return new PipelineError(
    { kind: "refused", state: "Nothing was touched: there was no connection.", ...details },
    { cause: error },
  );
}

function explain(error: unknown, where: string, database: Database): { code: string; message: string; next: string } {
  const code = sqlState(error) ?? (error as NodeJS.ErrnoException).code ?? "";
  switch (code) {
    case "28P01":
    case "28000":
      return {
        code: "AUTHENTICATION",
        message: `${where}: refused, ${messageOf(error)}.`,
        next: `Mend the password (${describeSource(database.password)}) or the role's rights, then run the same command.`,
      };
    case "3D000":
      return {
        code: "NO_DATABASE",
        message: `${where}: there is no such database; it is never created silently, since a mistyped name would give an empty one.`,
        next: "Mend the database's name in the configuration, or create it, then run the same command.",
      };
    case "ECONNREFUSED":
    case "ENOENT":
      return {
        code: "NOT_RUNNING",
        message: `${where}: nothing listens there (${messageOf(error)}).`,
        next: "Start the server (for the local stack: npm start), then run the same command.",
      };
    case "CERT_HAS_EXPIRED":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "ERR_TLS_CERT_ALTNAME_INVALID":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return {
        code: "TLS",
        message: `${where}: its certificate was not accepted (${messageOf(error)}); somebody else may be answering.`,
        next: "Mend the host's name, or who may have signed its certificate (database.tls.ca), then run the same command.",
      };
    case "57P01":
    case "57P02":
    case "57P03":
      return {
        code: "STARTING",
        message: `${where}: ${messageOf(error)}.`,
        next: "Wait until the server is ready, then run the same command.",
      };
    case "53300":
      return {
        code: "TOO_MANY_CONNECTIONS",
        message: `${where}: ${messageOf(error)}.`,
        next: "End idle sessions or raise max_connections, then run the same command.",
      };
    default:
      return {
        code: "CONNECTION",
        message: `${where}: ${messageOf(error)}.`,
        next: "Mend that, then run the same command.",
      };
  }
}
