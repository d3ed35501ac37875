import pg from "pg";
import { z } from "zod";
import { type ChecksResult, failedFindings, runApplicationChecks } from "../checks/application.js";
import { countRows, countTables } from "../checks/counts.js";
import { withWholeView } from "../checks/wholeView.js";
import type { StageContext } from "../context.js";
import { type StageRequest, healthSchema } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { npmRun } from "../npmRun.js";
import { assertEnvironment } from "../postgres/identity.js";
import { compareHistory, readHistory } from "../prisma/history.js";
import { readMigrations } from "../prisma/migrations.js";
import { type Model, loadSchema } from "../prisma/schema.js";
import { stamp } from "./stamp.js";

export type HealthResult = z.infer<typeof healthSchema> & { stage: "health" };

/**
 * The seed's health check: connects, looks at the schema and counts what is critical. Quick, and only reads. Where migrations are
 * pending (after a recovery they are), tables that those will make are not missed.
 *
 * @throws PipelineError (`UNHEALTHY`) naming what is wrong.
 */
export async function health(request: StageRequest, { log }: StageContext): Promise<HealthResult> {
  const started = Date.now();
  const { database, project } = request;
  const folder = await readMigrations(project.migrations);
  const schema = await loadSchema(project.schema, database.schema);
  const seen = await withWholeView(database, { applicationName: "safe-migration health" }, async (client) => {
    await assertEnvironment(client, request.environment);
    const { pending } = compareHistory(folder, await readHistory(client, schema));
    const there = await onlyThere(client, schema.models);
    return {
      pending: pending.length,
      tables: await countTables(client),
      missing: schema.models.filter((model) => !there.includes(model)).map(({ name }) => name),
      counts: project.checks === undefined ? await countRows(client, there) : {},
    };
  });
  const application = await runChecks(request, seen, log);
  const failed = failedFindings(application.findings);
  const missing = seen.pending > 0 ? [] : seen.missing;
  if (failed.length > 0 || missing.length > 0) {
    const said = [
      ...(missing.length > 0 ? [`there are no tables for ${missing.join(", ")}, and no migration is pending`] : []),
      ...failed.map(({ check, message }) => `${check}: ${message}`),
    ];
    throw new PipelineError({
      code: "UNHEALTHY",
      kind: "failedUnchanged",
      message: `The database is not healthy: ${said.join("; ")}`,
      state: "The checks only read; nothing was changed.",
      next: [`See it all: ${npmRun(request.environment, "db:diagnose")}.`, ...failed.map(({ remedy }) => remedy)].join(
        " ",
      ),
    });
  }
  const pending: Record<string, number> = seen.pending === 0 ? {} : { pendingMigrations: seen.pending };
  log.info("healthy", { ...application.counts, ...pending });
  return {
    stage: "health",
    ...stamp(request, started),
    status: "healthy",
    tables: seen.tables,
    ...application.counts,
    ...pending,
  };
}

async function runChecks(
  { database, project }: StageRequest,
  { counts, pending }: { readonly counts: Record<string, number>; readonly pending: number },
  log: Logger,
): Promise<Pick<ChecksResult, "counts" | "findings">> {
  if (project.checks === undefined) return { counts, findings: [] };
  try {
    return await runApplicationChecks(project.checks, database);
  } catch (error) {
    // They are written for the schema as it is after those migrations.
    if (pending === 0) throw error;
    log.warn(`the application's checks cannot be run before ${pending} pending migration(s): ${messageOf(error)}`);
    return { counts, findings: [] };
  }
}

async function onlyThere(client: pg.Client, models: readonly Model[]): Promise<Model[]> {
  const name = ({ schema, table }: Model) => `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(table)}`;
  const { rows } = await client.query<{ there: boolean }>(
    "SELECT to_regclass(name) IS NOT NULL AS there FROM unnest($1::text[]) WITH ORDINALITY AS named (name, at) ORDER BY at",
    [models.map(name)],
  );
  return models.filter((_model, at) => rows[at]?.there === true);
}
