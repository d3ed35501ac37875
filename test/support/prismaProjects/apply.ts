import type { Database, Project } from "../../../pipeline/contracts.js";
import { silent } from "../../../pipeline/log.js";
import { withClient } from "../../../pipeline/postgres/connection.js";
import { MigrationFailure, applyMigration } from "../../../pipeline/prisma/apply.js";
import { type HistoryComparison, compareHistory, readHistory } from "../../../pipeline/prisma/history.js";
import { readMigrations } from "../../../pipeline/prisma/migrations.js";
import { thrownBy } from "../thrownBy.js";

export const limits = { lockTimeoutMs: 300, statementTimeoutMs: 0, log: silent };

export async function rows<T extends object>(database: Database, sql: string): Promise<T[]> {
  return withClient(database, { applicationName: "test" }, async (client) => (await client.query<T>(sql)).rows);
}

export async function apply(database: Database, project: Project, name: string): Promise<void> {
  await applyMigration(database, project, await readMigrations(project.migrations), name, limits);
}

/** The failure with which applying a migration must end. */
export function failureOf(work: Promise<unknown>): Promise<MigrationFailure> {
  return thrownBy(work, MigrationFailure);
}

export async function comparison(database: Database, project: Project): Promise<HistoryComparison> {
  const folder = await readMigrations(project.migrations);
  const history = await withClient(database, { applicationName: "test" }, (client) => readHistory(client));
  return compareHistory(folder, history);
}
