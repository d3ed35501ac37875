import { z } from "zod";
import { failedFindings, runApplicationChecks } from "../checks/application.js";
import { countRows, countTables } from "../checks/counts.js";
import type { StageContext } from "../context.js";
import { type StageRequest, healthSchema } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { withClient } from "../postgres/connection.js";
import { assertEnvironment } from "../postgres/identity.js";
import { loadSchema } from "../prisma/schema.js";
import { stamp } from "./stamp.js";

export type HealthResult = z.infer<typeof healthSchema> & { stage: "health" };

/**
 * The seed's health check: connects, looks at the schema and counts what is critical. Quick, and only reads.
 *
 * @throws PipelineError (`UNHEALTHY`) naming what is wrong.
 */
export async function health(request: StageRequest, { log }: StageContext): Promise<HealthResult> {
  const started = Date.now();
  const { database, project } = request;
  const schema = await loadSchema(project.schema, database.schema);
  const seen = await withClient(database, { applicationName: "safe-migration health" }, async (client) => {
    await assertEnvironment(client, request.environment);
    return {
      tables: await countTables(client),
      counts: project.checks === undefined ? await countRows(client, schema.models) : {},
    };
  });
  const application =
    project.checks === undefined
      ? { counts: seen.counts, findings: [] }
      : await runApplicationChecks(project.checks, database);
  const failed = failedFindings(application.findings);
  if (failed.length > 0) {
    throw new PipelineError({
      code: "UNHEALTHY",
      kind: "failedUnchanged",
      message: `The database is not healthy: ${failed.map(({ check, message }) => `${check}: ${message}`).join("; ")}`,
      state: "The checks only read; nothing was changed.",
      next: failed.map(({ remedy }) => remedy).join(" "),
    });
  }
  log.info("healthy", application.counts);
  return { stage: "health", ...stamp(request, started), status: "healthy", tables: seen.tables, ...application.counts };
}
