import type { Database, Project } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { npmRun } from "../../pipeline/npmRun.js";
import { silent } from "../../pipeline/log.js";
import { withClient } from "../../pipeline/postgres/connection.js";
import { MigrationFailure, applyMigration, clearFailed } from "../../pipeline/prisma/apply.js";
import { type HistoryRow, compareHistory, isProvedUnchanged, readHistory } from "../../pipeline/prisma/history.js";
import { readMigrations } from "../../pipeline/prisma/migrations.js";
import { loadSchema } from "../../pipeline/prisma/schema.js";
import { say } from "./output.js";

/** On a developer's database nobody else's work is in the way; it is waited for a little. */
const lockTimeoutMs = 10_000;

/**
 * Applies every pending migration on a database whose data may be thrown away; the caller holds Prisma's lock.
 *
 * @returns the names of those that were applied.
 * @throws PipelineError where one fails.
 */
export async function applyAll(
  database: Database,
  project: Pick<Project, "schema" | "migrations">,
  environment: string,
): Promise<string[]> {
  await clearStopped(database, project);
  const schema = await loadSchema(project.schema, database.schema);
  const folder = await readMigrations(project.migrations);
  const { pending } = compareHistory(folder, await historyOf(database, project));
  for (const { name } of pending) {
    try {
      const options = { lockTimeoutMs, statementTimeoutMs: 0, log: silent, schema, environment };
      const { durationMs } = await applyMigration(database, project, folder, name, options);
      say(`Applied ${name} (${durationMs} ms)`);
    } catch (error) {
      if (!(error instanceof MigrationFailure)) throw error;
      if (error.rolledBackWhole) await clearFailed(database, project, name);
      throw failure(error, environment);
    }
  }
  return pending.map(({ name }) => name);
}

/** Marks as rolled back the rows of attempts that are proved to have changed nothing; the caller holds Prisma's lock. */
export async function clearStopped(database: Database, project: Pick<Project, "schema">): Promise<void> {
  for (const { name } of (await historyOf(database, project)).filter(isProvedUnchanged)) {
    await clearFailed(database, project, name);
  }
}

async function historyOf(database: Database, project: Pick<Project, "schema">): Promise<HistoryRow[]> {
  const schema = await loadSchema(project.schema, database.schema);
  return withClient(database, { applicationName: "safe-migration prisma" }, (client) => readHistory(client, schema));
}

function failure(error: MigrationFailure, environment: string): PipelineError {
  return new PipelineError(
    {
      code: "MIGRATION_FAILED",
      kind: error.rolledBackWhole ? "failedUnchanged" : "failedChanged",
      message: `${error.migration} failed: ${error.message}`,
      state: error.rolledBackWhole
        ? `${error.migration} was rolled back whole; those before it are applied.`
        : `${error.migration} does not run in one transaction: a part of it may have been applied.`,
      next: error.rolledBackWhole
        ? `Mend ${error.migration}/migration.sql and run the same command.`
        : `Look at the database, then: ${npmRun(environment, "prisma:migrate:resolve", "--rolled-back", error.migration)} (or --applied).`,
    },
    { cause: error },
  );
}
