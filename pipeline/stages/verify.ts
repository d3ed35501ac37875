import type { StageContext } from "../context.js";
import { failedFindings, runApplicationChecks } from "../checks/application.js";
import { findInvalidIndexes, findSequencesBehind, findUnvalidatedConstraints } from "../checks/catalogue.js";
import { countRows, countTables } from "../checks/counts.js";
import { findOrphans } from "../checks/orphans.js";
import type { Finding, Health, VerifyRequest, VerifyResult } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { withClient } from "../postgres/connection.js";
import { assertEnvironment } from "../postgres/identity.js";
import { diffDrift } from "../prisma/drift.js";
import { type HistoryComparison, compareHistory, readHistory } from "../prisma/history.js";
import { readMigrations } from "../prisma/migrations.js";
import { loadSchema } from "../prisma/schema.js";
import { renderReport } from "../report/markdown.js";
import { openStore } from "../store/open.js";
import { stamp } from "./stamp.js";

/**
 * Looks at the database as it is after a migration: history, drift, references, indexes, constraints, sequences, counts,
 * and the application's own checks. Writes the run's report to the store.
 *
 * @throws PipelineError (`VERIFY_FAILED`) naming every finding that is an error; warnings are in the result.
 */
export async function verify(request: VerifyRequest, context: StageContext): Promise<VerifyResult> {
  const started = Date.now();
  const { database, project } = request;
  const { log } = context;
  const folder = await readMigrations(project.migrations);
  const schema = await loadSchema(project.schema);

  const steps = 7;
  let step = 0;
  const next = (what: string) => log.progress(what, step++ / steps);
  const seen = await withClient(database, { applicationName: "safe-migration verify" }, async (client) => {
    await assertEnvironment(client, request.environment);
    next("history");
    const history = compareHistory(folder, await readHistory(client, schema));
    const findings = describeHistory(history);
    // Where the history is not what the folder says, tables may be missing; looking further would only add noise.
    if (findings.length > 0) return { history, findings, counts: {}, tables: await countTables(client) };
    next(`references (${schema.relations.length} relations)`);
    findings.push(...(await findOrphans(client, schema.relations)));
    next("indexes, constraints and sequences");
    findings.push(...(await findInvalidIndexes(client)));
    findings.push(...(await findUnvalidatedConstraints(client)));
    findings.push(...(await findSequencesBehind(client)));
    next(`counts (${schema.models.length} models)`);
    return { history, findings, counts: await countRows(client, schema.models), tables: await countTables(client) };
  });
  const findings = seen.findings;

  if (findings.length === 0) {
    next("drift");
    const names = seen.history.applied.map(({ name }) => name);
    const drift = await diffDrift(database, project, { applied: names, log, signal: context.signal });
    if (drift.drifted) findings.push(driftFinding(drift.summary, request));
  }
  next("the application's checks");
  const application =
    project.checks === undefined
      ? { counts: seen.counts, findings: [] }
      : await runApplicationChecks(project.checks, database);
  findings.push(...application.findings);

  const failed = failedFindings(findings);
  const health: Health = {
    status: failed.length === 0 ? "healthy" : "unhealthy",
    tables: seen.tables,
    ...application.counts,
  };
  for (const finding of findings) log.warn(`${finding.check}: ${finding.message}`, { remedy: finding.remedy });
  const reportPath = `${request.environment}/${request.run}/report.md`;
  const store = openStore(request.store);
  const result: VerifyResult = {
    stage: "verify",
    ...stamp(request, started),
    migrations: seen.history.applied.map(({ name, checksum }) => ({ name, checksum })),
    counts: seen.counts,
    relations: schema.relations.length,
    findings,
    health,
    report: store.urlOf(reportPath),
  };
  await store.write(reportPath, renderReport(request, result));
  if (failed.length > 0) throw verifyFailed(failed, request, result);
  log.info(
    `healthy: ${result.migrations.length} migrations, ${schema.relations.length} relations without orphans`,
    application.counts,
  );
  return result;
}

function describeHistory(history: HistoryComparison): Finding[] {
  const error = (check: string, names: readonly { name: string }[], what: string, remedy: string): Finding[] =>
    names.length === 0
      ? []
      : [{ check, severity: "error", message: `${what}: ${names.map(({ name }) => name).join(", ")}`, remedy }];
  return [
    ...error("pending", history.pending, "migrations are not applied", "npm run prisma:migrate:deploy"),
    ...error("failed", history.failed, "migrations failed", "npm run prisma:migrate:resolve"),
    ...error("edited", history.edited, "applied migrations were edited", "put the files back as they were applied"),
    ...error("missing", history.missing, "the folder lacks applied migrations", "check out the version that has them"),
  ];
}

function driftFinding(summary: string, { settings }: VerifyRequest): Finding {
  return {
    check: "drift",
    severity: settings.preflight.drift === "refuse" ? "error" : "warning",
    message: `the database differs from what its migrations make:\n${summary}`,
    remedy: "put the difference into a migration, or undo it in the database",
  };
}

function verifyFailed(failed: readonly Finding[], request: VerifyRequest, result: VerifyResult): PipelineError {
  const applied = request.migrate?.applied ?? [];
  const lines = failed.map(({ check, message, remedy }) => `  ${check}: ${message}\n    remedy: ${remedy}`);
  const back =
    request.backup === undefined
      ? ""
      : `; to go back: ${npmRun(request.environment, "db:restore", "--backup", request.backup.id)}`;
  return new PipelineError({
    code: "VERIFY_FAILED",
    kind: applied.length > 0 ? "failedChanged" : "failedUnchanged",
    message: `The database is not as it should be, ${failed.length} finding(s):\n${lines.join("\n")}`,
    state:
      applied.length > 0
        ? `This run applied ${applied.map(({ name }) => name).join(", ")}; they are in the database. Report: ${result.report}`
        : `This run applied no migration. Report: ${result.report}`,
    next: `Mend the findings and run the same command${back}`,
  });
}
