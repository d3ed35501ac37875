import type { RehearsedMigration } from "../contracts.js";
import { PipelineError } from "../errors.js";
import type { Logger } from "../log.js";
import type { Migration } from "../prisma/migrations.js";
import type { Decision } from "../gate/decide.js";
import type { Policy } from "../gate/policy.js";
import { declarationsOf, unreadableDeclarations } from "./declarations.js";
import { type Thresholds, describeRaise, judgeByEvidence, tellStatements } from "./evidence.js";
import { type Observed, describeObserved, judge } from "./observed.js";
import type { TableShape } from "./shape.js";
import { type Loss, howToDeclare } from "./undeclared.js";
import type { StatementEvidence } from "./touched.js";

/** How many of each kind a result names, as it is kept in the state; the log has all. */
const most = 20;

/** By what the risk of the pending migrations is judged. */
export interface Weights {
  /** What the gate says of the copy, which holds what the database does. */
  readonly decisions: readonly Decision[];
  readonly policy: Policy;
  readonly thresholds: Thresholds;
  /** The database holds nothing: whatever a migration changes or loses, those of this run have made. */
  readonly fresh: boolean;
}

/** What was seen of one migration on the copy. */
export interface Seen {
  readonly observed: readonly Observed[];
  /** `undefined`: nothing is known of its statements. */
  readonly statements: readonly StatementEvidence[] | undefined;
  /** It wrote to tables that were there, or may have. */
  readonly wrote: boolean;
  readonly durationMs: number;
}

/**
 * Holds what a migration did on the copy against what it declares, and against the risk that was seen in it; tells of it in the log.
 * In a database that holds nothing, nothing has to be declared: a new environment runs the whole history of its project, of which
 * others have applied files that can no longer be edited.
 *
 * @param losses where it is added to, if it changes or loses data and does not say so
 */
export function tell(
  migration: Migration,
  { observed, statements, wrote, durationMs }: Seen,
  { decisions, policy, thresholds, fresh }: Weights,
  losses: Loss[],
  log: Logger,
): { readonly result: RehearsedMigration; readonly declared: readonly Observed[] } {
  const { name, checksum } = migration;
  const { declared, undeclared, unused } = judge(observed, declarationsOf(migration.sql));
  const unreadable = unreadableDeclarations(migration.sql);
  for (const { line, text } of fresh ? [] : unreadable) log.warn(`${name}, line ${line}: ${howToDeclare(text)}`);
  const loss = undeclared.length > 0 && !fresh;
  if (loss) losses.push({ name, undeclared, unreadable });
  for (const { text, effect, line } of fresh ? [] : unused)
    log.warn(`${name}, line ${line}: -- ${effect}: ${text} declares what did not happen on this data`);
  const changes = declared.map(describeObserved);
  const seen = describeStatements(statements ?? []);
  const kept = `keeps every value${changes.length === 0 ? "" : ` but what it declares: ${changes.join("; ")}`}`;
  if (!loss) log.info(`${name} ${kept}`, { ms: durationMs });
  else log.warn(`${name} changes or loses data and does not say so; what comes after it is looked at, too`);
  for (const line of seen.lines) log.info(`${name}, ${line}`);
  const assessed = decisions.find((decision) => decision.assessed.migration === name)?.assessed;
  const measured = { statements, observed: declared, wrote };
  const judged = assessed === undefined ? undefined : judgeByEvidence(assessed, policy, measured, thresholds);
  if (judged !== undefined) tellEvidence(name, judged, log);
  const result = {
    name,
    checksum,
    durationMs,
    changes: changes.slice(0, most),
    rewrites: seen.rewrites.slice(0, most),
    locks: seen.locks.slice(0, most),
    unused: (fresh ? [] : unused).map(({ effect, text }) => `${effect}: ${text}`).slice(0, most),
    ...(judged === undefined
      ? {}
      : {
          evidence: {
            ...judged,
            raises: judged.raises.slice(0, most),
            disproved: judged.disproved.slice(0, most),
            statements: tellStatements(statements ?? []),
          },
        }),
  };
  return { result, declared: fresh ? observed : declared };
}

function tellEvidence(name: string, judged: ReturnType<typeof judgeByEvidence>, log: Logger): void {
  const { asked, tier, verdict, raises, disproved } = judged;
  if (verdict === "raised") {
    log.warn(`${name} is ${tier}, not ${asked}: ${raises.map(describeRaise).join("; ")}`);
  } else if (verdict === "lowered") {
    log.info(`${name} is ${tier} on this data, where its file says ${asked}: ${disproved.join("; ")}`);
  }
}

/** @param rolledBack the migration for whose sake this one was tried in a transaction that is rolled back, if it was. */
export function rehearsalFailed(name: string, problem: string, rolledBack?: string, cause?: unknown): PipelineError {
  const split =
    rolledBack === undefined || rolledBack === name
      ? ""
      : ` It was tried in one transaction with ${rolledBack}, which changes the whole cluster: where it fails for that only, leave it and those after it out of one run.`;
  return new PipelineError(
    {
      code: "REHEARSAL_FAILED",
      kind: "refused",
      message: `${name} fails on the restored copy: ${problem}`,
      state: "The database was not touched: the migration was only tried on a copy, which is dropped.",
      next: `Mend ${name}/migration.sql, or the data that it fails on, then run the same command.${split}`,
    },
    { cause },
  );
}

function describeStatements(statements: readonly StatementEvidence[]) {
  const named = ({ locks }: StatementEvidence) => locks.map(({ table, mode }) => `${table} ${mode}`);
  const lines = statements.map((statement) => {
    const { line, durationMs, heldMs, rewritten, dropped } = statement;
    const locks = named(statement);
    const held = locks.length === 0 ? "" : `, holds ${locks.join(", ")} for ${heldMs} ms`;
    const rewrites = rewritten.length === 0 ? "" : `, rewrites ${rewritten.map(({ table }) => table).join(", ")}`;
    const drops = dropped.length === 0 ? "" : `, drops ${dropped.join(", ")}`;
    return `${line === 0 ? "as a whole" : `line ${line}`}: ${durationMs} ms${held}${rewrites}${drops}`;
  });
  return {
    lines,
    rewrites: [...new Set(statements.flatMap(({ rewritten }) => rewritten.map(({ table }) => table)))],
    locks: [...new Set(statements.flatMap(named))],
  };
}

/** The trial did not show what the migration did: it does something else each time. */
export function unexpected(name: string, tables: readonly TableShape[]): PipelineError {
  return new PipelineError({
    code: "REHEARSAL_UNSTEADY",
    kind: "refused",
    message: `${name} did to ${tables.map((table) => `${table.schema}.${table.name}`).join(", ")} what it had not done when it was tried a moment before.`,
    state: "The database was not touched: the migration was only tried on a restored copy, which is dropped.",
    next: `Look at what ${name}/migration.sql depends on (random, now, other sessions), mend it, then run the same command.`,
  });
}
