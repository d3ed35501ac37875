import type { Database, Project } from "../contracts.js";
import type { Resolution } from "../contracts/resolve.js";
import { PipelineError } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { withClient } from "../postgres/connection.js";
import { withAdvisoryLock } from "./advisoryLock.js";
import { clearFailed } from "./apply.js";
import { markApplied } from "./authoring.js";
import { EngineError } from "./engine.js";
import { readHistory } from "./history.js";
import { loadSchema } from "./schema.js";

export interface ToResolve {
  readonly environment: string;
  readonly database: Database;
  readonly project: Pick<Project, "schema" | "migrations">;
}

/** How long Prisma's lock is waited for, in milliseconds. */
const lockWaitMs = 10_000;

/**
 * Records what a person found about a migration, in Prisma's history alone: the database's tables are not touched.
 *
 * @throws PipelineError where there is no such migration, or it did not fail.
 */
export async function resolveMigration(target: ToResolve, found: Resolution): Promise<void> {
  const { environment, database, project } = target;
  try {
    await withAdvisoryLock(database, lockWaitMs, async () => {
      if ("applied" in found) return markApplied(database, project, found.applied);
      await assertFailed(target, found.rolledBack);
      await clearFailed(database, project, found.rolledBack);
    });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new PipelineError({
      code: error.code ?? "RESOLVE",
      kind: "failedUnchanged",
      message: error.message,
      state: "The history is as it was.",
      next: `See both sides: ${npmRun(environment, "prisma:migrate:status")}`,
    });
  }
}

/** What was recorded, as a sentence. */
export function describeResolution(found: Resolution): string {
  return "applied" in found
    ? `${found.applied} is recorded as applied.`
    : `${found.rolledBack} is recorded as rolled back.`;
}

/** Prisma's engine says nothing where there is no failed row, if an earlier attempt was rolled back. */
async function assertFailed({ database, environment, project }: ToResolve, name: string): Promise<void> {
  const schema = await loadSchema(project.schema, database.schema);
  const rows = await withClient(database, { applicationName: "safe-migration prisma" }, (client) =>
    readHistory(client, schema),
  );
  const failed = rows.filter(({ finishedAt, rolledBackAt }) => finishedAt === null && rolledBackAt === null);
  if (failed.some((row) => row.name === name)) return;
  const names = failed.map((row) => row.name).join(", ");
  throw new PipelineError({
    code: "NOT_FAILED",
    kind: "refused",
    message: `"${name}" has not failed; ${names === "" ? "no migration has" : `these have: ${names}`}.`,
    state: "The history is as it was.",
    next: `See both sides: ${npmRun(environment, "prisma:migrate:status")}`,
  });
}
