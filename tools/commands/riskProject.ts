import path from "node:path";
import { stageSettings } from "../../config.js";
import { PipelineError } from "../../pipeline/errors.js";
import { assessedOf } from "../../pipeline/gate/assess.js";
import { decideGate } from "../../pipeline/gate/decide.js";
import { approveCommands } from "../../pipeline/gate/describe.js";
import { renderRisks } from "../../pipeline/gate/markdown.js";
import { policyOf } from "../../pipeline/gate/policy.js";
import { summarise } from "../../pipeline/gate/summary.js";
import { connect } from "../../pipeline/postgres/connection.js";
import { readHistory } from "../../pipeline/prisma/history.js";
import { checksumOf } from "../../pipeline/prisma/migrations.js";
import { type FileToJudge, readFolder } from "../../pipeline/risk/files.js";
import type { FileRisk, MigrationSource, RiskOptions } from "../../pipeline/risk/types.js";
import { migrationsSince } from "./riskGit.js";
import { refused } from "./heldSeries.js";
import { releaseIn } from "./riskRelease.js";
import { rewriteIn, seriesProject } from "./riskRewrite.js";
import { riskTarget } from "./riskTarget.js";
import { type Target, targetDatabase } from "./target.js";

/** {@link rewriteIn}, for a stack. @throws PipelineError also where its database, if it can be reached, has the migration already. */
export async function rewriteMigration(name: string, stack: string | undefined, until?: number): Promise<string> {
  const target = riskTarget(stack);
  if (!(await appliedNames(target)).has(name)) return rewriteIn(seriesProject(target), name, until);
  throw refused(
    `${name} is applied on ${target.environment} already: what it does is done, and its file has to stay.`,
    "Make the next change in a new migration, and rewrite that one.",
  );
}

/** {@link releaseIn}, for a stack. */
export function releaseMigration(name: string, stack: string | undefined, until?: number): Promise<string> {
  return releaseIn(seriesProject(riskTarget(stack)), name, until === undefined ? {} : { until });
}

/** What is meant where no file is named: the configured project's migrations, those since a git revision or those pending. */
export interface ProjectFiles {
  readonly files: readonly FileToJudge[];
  /** As the project's configuration says. */
  readonly options: Pick<RiskOptions, "largeTableBytes" | "defaultSchema">;
}

export async function projectFiles(stack: string | undefined, since: string | undefined): Promise<ProjectFiles> {
  const target = riskTarget(stack);
  const { config, paths } = target;
  const options = { largeTableBytes: config.risk.largeTableBytes, defaultSchema: config.database.schema };
  if (since !== undefined) {
    const { history, changed } = migrationsSince(since, paths.migrations);
    return { files: toJudge(history, changed, paths.migrations), options };
  }
  const history = readFolder(paths.migrations).map((source) => ({ ...source, path: fromHere(source.path) }));
  const applied = await appliedNames(target);
  const pending = new Set(history.map(({ name }) => name).filter((name) => !applied.has(name)));
  return { files: toJudge(history, pending, paths.migrations), options };
}

function toJudge(history: readonly MigrationSource[], names: ReadonlySet<string>, folder: string): FileToJudge[] {
  return history.filter(({ name }) => names.has(name)).map((source) => ({ source, history, folder }));
}

/** Annotations and SARIF want paths from the checkout's root, where npm runs this. */
function fromHere(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith("..") ? file : relative;
}

/** Migrations that the environment's database has; none where it was never made or does not answer. */
async function appliedNames(target: Target): Promise<ReadonlySet<string>> {
  try {
    const database = await targetDatabase(target);
    const client = await connect(database, { applicationName: "safe-migration risk" });
    try {
      const rows = await readHistory(client, { defaultSchema: database.schema ?? "public" });
      return new Set(
        rows.filter((row) => row.finishedAt !== null && row.rolledBackAt === null).map(({ name }) => name),
      );
    } finally {
      await client.end();
    }
  } catch (error) {
    // All migrations are judged then, which says more than is asked and never less.
    if (error instanceof PipelineError) return new Set();
    throw error;
  }
}

/**
 * The comment for a pull request: each migration above safe, what the stack asks for it and the commands that approve.
 *
 * @param files in the order of `risks`
 */
export function renderComment(
  named: string | undefined,
  files: readonly FileToJudge[],
  risks: readonly FileRisk[],
): string {
  const { config, environment: stack } = riskTarget(named);
  const settings = stageSettings(config).risk;
  const assessed = risks.flatMap((risk, at) => {
    const source = files[at]?.source;
    return source === undefined ? [] : [assessedOf({ ...source, checksum: checksumOf(source.sql) }, risk)];
  });
  const { decisions } = decideGate(assessed, policyOf(stack, settings), settings.approvals);
  return renderRisks(summarise(decisions), approveCommands(stack, decisions));
}
