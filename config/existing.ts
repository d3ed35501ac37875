import type { Database } from "../pipeline/contracts.js";
import type { DatabaseConfig } from "./database.js";

/** A database that is there already, as the stages reach it: the configuration alone says so. */
export function existingDatabase(database: Extract<DatabaseConfig, { kind: "existing" }>): Database {
  const { host, port, name, user, password, tls, owner, schema } = database;
  return {
    ...{ host, port, name, user, password, schema },
    ...(tls === undefined ? {} : { tls }),
    ...(owner === user ? {} : { migrateAs: owner }),
  };
}
