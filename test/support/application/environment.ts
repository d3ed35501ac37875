import type { Database } from "../../../pipeline/contracts.js";

/** How the application is told of its database; the password stays in its file. */
export function databaseEnvironment(database: Database): Record<string, string> {
  return {
    PGHOST: database.host,
    PGPORT: String(database.port),
    PGUSER: database.migrateAs ?? database.user,
    PGDATABASE: database.name,
    ...(database.password.from === "passfile" ? { PGPASSFILE: database.password.path } : {}),
  };
}
