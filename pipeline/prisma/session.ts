import type pg from "pg";
import type { Database } from "../contracts.js";
import { clientConfig } from "../postgres/connection.js";

/** What Prisma's connections to a database are made with. */
export interface Session {
  readonly database: Database;
  /** PostgreSQL schema of Prisma's connection. */
  readonly defaultSchema: string;
}

/** PostgreSQL schema of Prisma's connection to a database; Prisma's own default where none is configured. */
export function schemaOf({ schema = "public" }: Pick<Database, "schema">): string {
  return schema;
}

/**
 * Settings for a connection that Prisma's engine or a migration's script uses: acts as the role that owns what migrations
 * make, and finds tables in Prisma's schema (Prisma's native engine sets the search path likewise).
 */
export function sessionConfig(
  { database, defaultSchema }: Session,
  applicationName: string,
  name = database.name,
): Promise<pg.ClientConfig> {
  return clientConfig(database, {
    applicationName,
    database: name,
    ...(database.migrateAs === undefined ? {} : { role: database.migrateAs }),
    settings: { search_path: `"${defaultSchema.replaceAll('"', '""')}"` },
  });
}
