import pg from "pg";
import type { Database } from "../../pipeline/contracts.js";
import { maintenanceDatabase, withClient } from "../../pipeline/postgres/connection.js";
import { assertEnvironment } from "../../pipeline/postgres/identity.js";
import { UserFacingError } from "./engineLog.js";
import { variables } from "./environment.js";

const applicationName = "safe-migration prisma";

/** `cli can-connect-to-database`. @throws PipelineError with the reason. */
export function canConnect(database: Database): Promise<string> {
  return withClient(database, { applicationName }, () => Promise.resolve("Connection successful"));
}

/** `cli create-database`, where the environment is one in which a mistyped name does no harm. */
export async function createDatabase(database: Database): Promise<string> {
  assertDisposable("created");
  const owner = database.migrateAs === undefined ? "" : ` owner ${pg.escapeIdentifier(database.migrateAs)}`;
  await withClient(database, { applicationName, database: maintenanceDatabase }, (client) =>
    client.query(`create database ${pg.escapeIdentifier(database.name)}${owner}`),
  );
  return `Database '${database.name}' was successfully created.`;
}

/** `cli drop-database`. */
export async function dropDatabase(database: Database): Promise<string> {
  assertDisposable("dropped");
  await assertOwn(database);
  await withClient(database, { applicationName, database: maintenanceDatabase }, (client) =>
    client.query(`drop database ${pg.escapeIdentifier(database.name)}`),
  );
  return "The database was successfully dropped.";
}

/** @throws PipelineError where the database is marked as another environment's than the one that the command is meant for. */
export async function assertOwn(database: Database): Promise<void> {
  const environment = process.env[variables.environment];
  if (environment === undefined) return;
  await withClient(database, { applicationName }, (client) => assertEnvironment(client, environment));
}

/** Prisma's CLI creates a missing database without asking: a mistyped name gives a fresh, "verified", empty one. */
export function assertDisposable(what: string): void {
  const environment = process.env[variables.environment];
  if (environment === undefined || environment === "local" || environment === "dev") return;
  throw new UserFacingError(
    "P1010",
    `A database of the environment "${environment}" is never ${what} by a Prisma command; that is allowed on local and dev only.`,
  );
}
