import type { RehearsedMigration } from "../contracts.js";
import { PipelineError } from "../errors.js";
import type { Logger } from "../log.js";
import type { Migration } from "../prisma/migrations.js";
import { declarationsOf } from "./declarations.js";
import { type Observed, declare, describeObserved, judge } from "./observed.js";
import type { TableShape } from "./shape.js";
import type { Trial } from "./touched.js";

/** How many of each kind a result names, as it is kept in the state; the log has all. */
const most = 20;

/**
 * Holds what a migration did on the copy against what it declares, and tells of it in the log.
 *
 * @throws PipelineError (`UNDECLARED_LOSS`)
 */
export function tell(
  migration: Migration,
  observed: readonly Observed[],
  trial: Trial | undefined,
  durationMs: number,
  log: Logger,
): { readonly result: RehearsedMigration; readonly declared: readonly Observed[] } {
  const { name, checksum } = migration;
  const { declared, undeclared, unused } = judge(observed, declarationsOf(name, migration.sql));
  if (undeclared.length > 0) throw undeclaredLoss(migration, undeclared);
  for (const { text, effect, line } of unused)
    log.warn(`${name}, line ${line}: -- ${effect}: ${text} declares what did not happen on this data`);
  const changes = declared.map(describeObserved);
  const evidence = describeTrial(trial);
  log.info(`${name} keeps every value${changes.length === 0 ? "" : ` but what it declares: ${changes.join("; ")}`}`, {
    ms: durationMs,
  });
  for (const line of evidence.lines) log.info(`${name}, ${line}`);
  const result = {
    name,
    checksum,
    durationMs,
    changes: changes.slice(0, most),
    rewrites: evidence.rewrites.slice(0, most),
    locks: evidence.locks.slice(0, most),
    unused: unused.map(({ effect, text }) => `${effect}: ${text}`).slice(0, most),
  };
  return { result, declared };
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

function describeTrial(trial: Trial | undefined) {
  const statements = trial?.statements ?? [];
  const lines = statements.map(({ line, durationMs, locks, rewritten }) => {
    const rewrites = rewritten.length === 0 ? "" : `, rewrites ${rewritten.join(", ")}`;
    return `line ${line}: ${durationMs} ms${locks.length === 0 ? "" : `, takes ${locks.join(", ")}`}${rewrites}`;
  });
  return {
    lines,
    rewrites: [...new Set(statements.flatMap(({ rewritten }) => rewritten))],
    locks: [...new Set(statements.flatMap(({ locks }) => locks))],
  };
}

function undeclaredLoss({ name }: Migration, undeclared: readonly Observed[]): PipelineError {
  return new PipelineError({
    code: "UNDECLARED_LOSS",
    kind: "refused",
    message: `${name} changes or loses data and does not say so:\n${undeclared.map((seen) => `  ${describeObserved(seen)}`).join("\n")}`,
    state: "The database was not touched: the migration was only tried on a restored copy, which is dropped.",
    next: `If it is meant, declare it in ${name}/migration.sql: ${declare(undeclared).join("   and   ")}   else mend the file. Then run the same command.`,
  });
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
