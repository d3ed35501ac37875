import type { BackupResult, MigrateResult } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { type Session, describeSessions, endingOf } from "../postgres/sessions.js";
import type { MigrationFailure } from "../prisma/apply.js";

export type Applied = MigrateResult["applied"][number];

/** What is told of a failure beside the failure itself. */
export interface Circumstances {
  readonly attempts: number;
  /** Migrations of this run that are applied. */
  readonly before: readonly Applied[];
  readonly blockers: readonly Session[];
  readonly backup: BackupResult;
  /** A person or the supervisor stopped the run. */
  readonly stopped: boolean;
  /** The rehearsal set its statement timeout. */
  readonly rehearsed?: { readonly tookMs: number; readonly statementTimeoutMs: number };
  /** It was stopped because the application was refused for too long. */
  readonly budget?: { readonly refusedMs: number; readonly maxRefusedMs: number };
}

/** A migration that failed, with the state things are in and what to do. */
export function migrationFailed(error: MigrationFailure, told: Circumstances): PipelineError {
  const { attempts, before, blockers, backup, stopped, budget, rehearsed } = told;
  const waited = error.lockTimeout || error.cancelled;
  const blocked =
    waited && blockers.length > 0 ? `\nIt waited ${attempts} time(s) for: ${describeSessions(blockers)}.` : "";
  const overBudget =
    budget === undefined
      ? ""
      : `\nIt was stopped: requests of its tables had been refused for ${budget.refusedMs} ms, and migrate.maxRefusedMs allows ${budget.maxRefusedMs} ms.`;
  const tooSlow =
    rehearsed !== undefined && error.cancelled && budget === undefined && !stopped
      ? `\nA statement of it may run for ${rehearsed.statementTimeoutMs} ms, as all of it took ${rehearsed.tookMs} ms on the copy (migrate.rehearsedTimeoutFactor, rehearsedTimeoutLeastMs): look what it waits for, or what is other than on the copy; where it needs longer here, raise them.`
      : "";
  return new PipelineError(
    {
      code: budget !== undefined ? "AVAILABILITY_BUDGET" : error.lockTimeout ? "LOCK_TIMEOUT" : "MIGRATION_FAILED",
      kind: stopped && error.rolledBackWhole ? "interrupted" : changed(error, before),
      message: `${error.migration} failed: ${error.message}${blocked}${tooSlow}${overBudget}${stopped ? " It was stopped by a signal." : ""}`,
      state: `${ownState(error)} ${described(before)} Backup ${backup.id} holds the state before this run.`,
      next: nextStep(error, told),
    },
    { cause: error },
  );
}

function ownState(error: MigrationFailure): string {
  if (error.rolledBackWhole)
    return `${error.migration} was rolled back whole: nothing of it is in the database, and its history row is cleared.`;
  if (error.resumable)
    return `${error.migration} is one statement for itself, which may have left an index half built: no query uses that, and the next run drops it and begins again.`;
  return error.fateUnknown
    ? `Whether ${error.migration} was committed is not known, since the server could not be asked: it is there whole or not at all.`
    : `${error.migration} does not run in one transaction: statements before the one that failed may have been applied.`;
}

function nextStep(error: MigrationFailure, { backup, blockers, budget }: Circumstances): string {
  const command = (script: string, ...args: string[]) => npmRun(backup.environment, script, ...args);
  const restore = command("db:restore", "--backup", backup.id);
  if (budget !== undefined && error.rolledBackWhole) {
    return blockers.length > 0
      ? endBlockers(blockers)
      : "Split the migration so that it holds its locks for less (npm run risk shows how), or take a time with less traffic and raise migrate.maxRefusedMs; then run the same command.";
  }
  if (error.resumable)
    return `Let the transactions end that were open meanwhile (${command("db:diagnose", "--quick")} names them), then run the same command.`;
  if (error.lockTimeout) return endBlockers(blockers);
  if ((error.connectionLost || error.deadlock) && (error.rolledBackWhole || error.fateUnknown))
    return `Nothing is to be mended in the file: once the server answers, run the same command, which finds out and goes on from there; to go back to before this run: ${restore}`;
  if (error.rolledBackWhole)
    return `Mend ${error.migration}/migration.sql and run the same command; to go back to before this run: ${restore}`;
  const resolve = (how: string) => command("prisma:migrate:resolve", how, error.migration);
  return `Look at the database, then: ${resolve("--rolled-back")} or ${resolve("--applied")}; or go back: ${restore}`;
}

/** Which migrations of this run are applied, in a sentence. */
function described(before: readonly Applied[]): string {
  return before.length === 0
    ? "No migration was applied by this run."
    : `Applied by this run before it, and kept: ${before.map(({ name }) => name).join(", ")}.`;
}

/** A refusal in the middle of a run knows nothing of the migrations before it. */
export function afterOthers(error: unknown, before: readonly Applied[], backup: BackupResult): unknown {
  if (!(error instanceof PipelineError) || before.length === 0) return error;
  const { code, message, next } = error;
  const state = `${described(before)} Backup ${backup.id} holds the state before this run.`;
  return new PipelineError({ code, kind: "failedChanged", message, state, next }, { cause: error });
}

/** Somebody else may be migrating by now. */
export function lockLost(name: string, before: readonly Applied[], backup: BackupResult): PipelineError {
  return new PipelineError({
    code: "MIGRATION_LOCK_LOST",
    kind: before.length > 0 ? "failedChanged" : "failedUnchanged",
    message: `${name} was not begun: the session that held Prisma's lock was ended (the server restarted, or somebody ended it).`,
    state: `${described(before)} Backup ${backup.id} holds the state before this run.`,
    next: "Run the same command: it goes on with the migrations that are left.",
  });
}

function changed(error: MigrationFailure, before: readonly Applied[]): "failedUnchanged" | "failedChanged" {
  return (error.rolledBackWhole || error.resumable) && before.length === 0 ? "failedUnchanged" : "failedChanged";
}

function endBlockers(blockers: readonly Session[]): string {
  const prepared = blockers.filter((one) => typeof one.prepared === "string");
  const how = prepared.length === 0 ? "" : ` (a prepared transaction ends by: ${endingOf(prepared)})`;
  return `End or wait for those sessions${how}, then run the same command.`;
}
