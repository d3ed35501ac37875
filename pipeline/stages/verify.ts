import type { StageContext } from "../context.js";
import { failedFindings, runApplicationChecks } from "../checks/application.js";
import { findSequencesBehind, findUnvalidatedConstraints } from "../checks/catalogue.js";
import { countRows, countTables } from "../checks/counts.js";
import { describeHistory } from "../checks/history.js";
import { findInvalidIndexes } from "../checks/invalidIndexes.js";
import { findOrphans } from "../checks/orphans.js";
import { withWholeView } from "../checks/wholeView.js";
import type { Database, Finding, Health, VerifyRequest, VerifyResult } from "../contracts.js";
import { repairOrder } from "../diagnosis/repairOrder.js";
import { PipelineError, messageOf } from "../errors.js";
import { few } from "../few.js";
import type { Logger } from "../log.js";
import { npmRun } from "../npmRun.js";
import { sqlState, withClient } from "../postgres/connection.js";
import { assertEnvironment } from "../postgres/identity.js";
import { diffDrift } from "../prisma/drift.js";
import { driftProof } from "../prisma/driftProof.js";
import { type HistoryComparison, compareHistory, readHistory } from "../prisma/history.js";
import { type MigrationsFolder, readMigrations } from "../prisma/migrations.js";
import { type PrismaSchema, loadSchema } from "../prisma/schema.js";
import { noteFigures } from "../report/figures.js";
import { renderReport } from "../report/markdown.js";
import { openStore } from "../store/open.js";
import { readProvedBackup } from "../store/provedAge.js";
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
  const schema = await loadSchema(project.schema, database.schema);

  const progress = countedProgress(log, 6);
  const { history, tables } = await withClient(
    database,
    { applicationName: "safe-migration verify" },
    async (client) => {
      await assertEnvironment(client, request.environment);
      return {
        history: compareHistory(folder, await readHistory(client, schema)),
        tables: await countTables(client),
      };
    },
  );
  progress("history");
  const findings = describeHistory(history);
  // Where the history is not what the folder says, tables may be missing; looking further would only add noise.
  const look = findings.length === 0;
  const looks = [
    look ? lookAtData(database, schema, progress).catch(schemaAhead) : Promise.resolve(nothingSeen),
    look
      ? findDrift(request, context, { folder, schema, history }).then((found) => (progress("drift"), found))
      : Promise.resolve([]),
    look && project.checks !== undefined
      ? runApplicationChecks(project.checks, database).then((found) => (progress("the application's checks"), found))
      : Promise.resolve(undefined),
  ] as const;
  // Where one fails, the others end first: none goes on behind the stage's back.
  await Promise.allSettled(looks);
  const [data, drift, application] = await Promise.all(looks);
  findings.push(...data.findings, ...drift, ...(application?.findings ?? []));

  const failed = failedFindings(findings);
  const health: Health = {
    status: failed.length === 0 ? "healthy" : "unhealthy",
    tables,
    ...(application?.counts ?? data.counts),
  };
  for (const finding of findings) log.warn(`${finding.check}: ${finding.message}`, { remedy: finding.remedy });
  const reportPath = `${request.environment}/${request.run}/report.md`;
  const store = openStore(request.store);
  const proved = await readProvedBackup(store, request.environment);
  const result: VerifyResult = {
    stage: "verify",
    ...stamp(request, started),
    migrations: history.applied.map(({ name, checksum }) => ({ name, checksum })),
    counts: data.counts,
    relations: schema.relations.length,
    findings,
    health,
    report: store.urlOf(reportPath),
    rows: data.rows,
    ...(proved === undefined ? {} : { proved }),
    ...(await noteFigures(database, log, "safe-migration verify", { earlier: request.preflight?.statements ?? [] })),
  };
  await store.write(reportPath, renderReport(request, result));
  if (failed.length > 0) throw verifyFailed(failed, request, result);
  log.info(
    `healthy: ${result.migrations.length} migrations, ${schema.relations.length} relations without orphans`,
    application?.counts ?? data.counts,
  );
  return result;
}

interface DataSeen {
  readonly findings: Finding[];
  readonly counts: Record<string, number>;
  /** The same by `schema.table`. */
  readonly rows: Record<string, number>;
}
const nothingSeen: DataSeen = { findings: [], counts: {}, rows: {} };

/** References, indexes, constraints, sequences and counts. */
async function lookAtData(
  database: Database,
  schema: PrismaSchema,
  progress: (what: string) => void,
): Promise<DataSeen> {
  return withWholeView(database, { applicationName: "safe-migration verify" }, async (client) => {
    const findings = await findOrphans(client, schema.relations);
    progress(`references (${schema.relations.length} relations)`);
    findings.push(...(await findInvalidIndexes(client)));
    findings.push(...(await findUnvalidatedConstraints(client)));
    findings.push(...(await findSequencesBehind(client)));
    progress("indexes, constraints and sequences");
    const counts = await countRows(client, schema.models);
    progress(`counts (${schema.models.length} models)`);
    const rows = schema.models.map(
      ({ name, schema: place, table }) => [`${place}.${table}`, counts[name] ?? 0] as const,
    );
    return { findings, counts, rows: Object.fromEntries(rows) };
  });
}

/** A schema that was changed without a migration names tables or columns that are not there. */
function schemaAhead(error: unknown): DataSeen {
  if (!["42P01", "42703", "3F000"].includes(sqlState(error) ?? "")) throw error;
  const finding: Finding = {
    check: "schema",
    severity: "error",
    message: `the Prisma schema has what no migration makes: ${messageOf(error)}`,
    remedy: "make the migration: npm run prisma:migrate:create -- --name NAME",
  };
  return { ...nothingSeen, findings: [finding] };
}

async function findDrift(
  request: VerifyRequest,
  context: StageContext,
  known: { readonly folder: MigrationsFolder; readonly schema: PrismaSchema; readonly history: HistoryComparison },
): Promise<Finding[]> {
  const { folder, schema, history } = known;
  if (await isAsPreflightSaw(request, known)) {
    context.log.info("no drift: nothing has changed the form of the database since preflight compared it");
    return [];
  }
  const applied = history.applied.map(({ name }) => name);
  const { log, signal } = context;
  const tolerant = request.settings.preflight.drift === "warn";
  const { database, environment, project } = request;
  const options = { applied, folder, schema, tolerant, environment, log, signal };
  const drift = await diffDrift(database, project, options);
  return drift.drifted ? [driftFinding(drift.summary, request)] : [];
}

/** Whether preflight of this run found no drift in this very state; it need not be looked for again. */
async function isAsPreflightSaw(
  { database, run, preflight }: VerifyRequest,
  { schema, history }: { readonly schema: PrismaSchema; readonly history: HistoryComparison },
): Promise<boolean> {
  if (preflight?.noDrift === undefined || preflight.run !== run) return false;
  const state = await withClient(database, { applicationName: "safe-migration verify" }, (client) =>
    driftProof(client, history.applied, schema),
  );
  return state === preflight.noDrift;
}

/** Progress of steps that end in whatever order. */
function countedProgress(log: Logger, steps: number): (what: string) => void {
  let done = 0;
  return (what) => log.progress(what, ++done / steps);
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
  const mend = failed.some(({ check }) => repairOrder.includes(check))
    ? `Mend the findings (${npmRun(request.environment, "db:repair")} shows what it can mend, with --apply it does)`
    : "Mend the findings";
  const back =
    request.backup === undefined || applied.length === 0
      ? ""
      : `; to go back: ${npmRun(request.environment, "db:restore", "--backup", request.backup.id)}`;
  return new PipelineError({
    code: "VERIFY_FAILED",
    kind: applied.length > 0 ? "failedChanged" : "failedUnchanged",
    message: `The database is not as it should be, ${failed.length} finding(s):\n${lines.join("\n")}`,
    state:
      applied.length > 0
        ? `This run applied ${few(applied.map(({ name }) => name))}; they are in the database. Report: ${result.report}`
        : `This run applied no migration. Report: ${result.report}`,
    next: `${mend} and run the same command${back}`,
  });
}
