import assert from "node:assert/strict";
import type { Database } from "../../../pipeline/contracts.js";
import { silent } from "../../../pipeline/log.js";
import { withClient } from "../../../pipeline/postgres/connection.js";
import { MigrationFailure, applyMigration } from "../../../pipeline/prisma/apply.js";
import { type HistoryComparison, compareHistory, readHistory } from "../../../pipeline/prisma/history.js";
import { readMigrations } from "../../../pipeline/prisma/migrations.js";
import type { TestProject } from "./write.js";

export const limits = { lockTimeoutMs: 300, statementTimeoutMs: 0, log: silent };

export async function rows<T extends object>(database: Database, sql: string): Promise<T[]> {
  return withClient(database, { applicationName: "test" }, async (client) => (await client.query<T>(sql)).rows);
}

export async function apply(database: Database, project: TestProject, name: string): Promise<void> {
  await applyMigration(database, project, await readMigrations(project.migrations), name, limits);
}

/** The failure with which `work` must end. */
export async function failureOf(work: Promise<unknown>): Promise<MigrationFailure> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof MigrationFailure, `expected a MigrationFailure, got ${String(error)}`);
  return error;
}

export async function comparison(database: Database, project: TestProject): Promise<HistoryComparison> {
  const folder = await readMigrations(project.migrations);
  const history = await withClient(database, { applicationName: "test" }, (client) => readHistory(client));
  return compareHistory(folder, history);
}
