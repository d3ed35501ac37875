import { setTimeout as sleep } from "node:timers/promises";
import type { StageContext } from "../context.js";
import type { BackupResult, MigrateRequest, MigrateResult } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { npmRun } from "../npmRun.js";
import { connect, withClient } from "../postgres/connection.js";
import { assertEnvironment, assertSameDatabase, readIdentity } from "../postgres/identity.js";
import { withPipelineLock } from "../postgres/pipelineLock.js";
import { type Session, describeSessions, findBlockers } from "../postgres/sessions.js";
import { type AdvisoryLock, withAdvisoryLock } from "../prisma/advisoryLock.js";
import { MigrationFailure, applyMigration, clearFailed, migrateApplicationName } from "../prisma/apply.js";
import { assertDeployable } from "../prisma/deployable.js";
import { compareHistory, readHistory } from "../prisma/history.js";
import { type MigrationsFolder, readMigrations } from "../prisma/migrations.js";
import { type PrismaSchema, loadSchema } from "../prisma/schema.js";
import { openStore } from "../store/open.js";
import { verifyBackup } from "../store/verifyBackup.js";
import { assertStillOpen } from "../window/assert.js";
import { stamp } from "./stamp.js";

type Applied = MigrateResult["applied"][number];

/**
 * Applies the pending migrations, each whole or not at all, behind a backup that was just made and still holds.
 *
 * @throws PipelineError of kind `refused` or `failedUnchanged` where nothing was applied, `failedChanged` where earlier
 * migrations of this run were.
 */
export async function migrate(request: MigrateRequest, context: StageContext): Promise<MigrateResult> {
  const started = Date.now();
  await assertBackup(request, request.backup, context);
  const applied = await withPipelineLock(request.database, "migrate", () =>
    withAdvisoryLock(request.database, request.settings.migrate.advisoryLockWaitMs, (lock) =>
      applyPending(request, context, lock),
    ),
  );
  return { stage: "migrate", ...stamp(request, started), backup: request.backup.id, applied };
}

/** @throws PipelineError where the backup is not this run's, not of this database, or its files do not hold. */
async function assertBackup(request: MigrateRequest, backup: BackupResult, { log }: StageContext): Promise<void> {
  if (backup.run !== request.run || backup.environment !== request.environment) {
    throw new PipelineError({
      code: "NOT_THIS_RUNS_BACKUP",
      kind: "refused",
      message: `Backup ${backup.id} was made by run ${backup.run} of "${backup.environment}", not by run ${request.run} of "${request.environment}".`,
      state: "Nothing was touched.",
      next: "Run the whole pipeline again: it makes a backup and hands it to migrate.",
    });
  }
  await verifyBackup(openStore(request.store), request.environment, backup.id, backup.manifestSha256);
  log.info(`backup ${backup.id} holds: every file has its checksum`);
}

async function applyPending(request: MigrateRequest, context: StageContext, lock: AdvisoryLock): Promise<Applied[]> {
  const { database, project } = request;
  const { log } = context;
  const folder = await readMigrations(project.migrations);
  const schema = await loadSchema(project.schema, database.schema);
  const history = await withClient(database, { applicationName: "safe-migration migrate" }, async (client) => {
    await assertEnvironment(client, request.environment);
    assertSameDatabase(request.backup.identity, await readIdentity(client));
    return compareHistory(folder, await readHistory(client, schema));
  });
  assertDeployable(history, folder, request.environment);
  assertStillOpen(request, history.pending.length);
  for (const { name } of history.failed) {
    await clearFailed(database, project, name);
    log.info(`${name}: an earlier attempt was stopped and had changed nothing; its row is marked as rolled back`);
  }
  const applied: Applied[] = [];
  for (const [at, { name, checksum }] of history.pending.entries()) {
    log.progress(`applying ${name}`, at / history.pending.length);
    if (!lock.isHeld()) throw lockLost(name, applied, request.backup);
    const { durationMs, attempts } = await applyWithRetry(request, context, { folder, schema }, name, applied);
    applied.push({ name, checksum, durationMs, attempts });
    log.info(`${name} applied`, { ms: durationMs, ...(attempts > 1 ? { attempts } : {}) });
  }
  if (applied.length === 0) log.info("nothing is pending: the database is at its newest migration");
  return applied;
}

async function applyWithRetry(
  request: MigrateRequest,
  context: StageContext,
  { folder, schema }: { readonly folder: MigrationsFolder; readonly schema: PrismaSchema },
  name: string,
  before: readonly Applied[],
): Promise<{ durationMs: number; attempts: number }> {
  const { database, project } = request;
  const { log } = context;
  const { lockTimeoutMs, lockRetries, retryDelayMs, statementTimeoutMs } = request.settings.migrate;
  for (let attempt = 1; ; attempt++) {
    const blockers = await watchBlockers(request, lockTimeoutMs).catch((error: unknown) => {
      throw afterOthers(error, before, request.backup);
    });
    try {
      const { durationMs } = await applyMigration(database, project, folder, name, {
        lockTimeoutMs,
        statementTimeoutMs,
        log,
        schema,
        environment: request.environment,
        signal: context.signal,
      });
      return { durationMs, attempts: attempt };
    } catch (error) {
      if (!(error instanceof MigrationFailure)) throw afterOthers(error, before, request.backup);
      // Where that fails, too, the row carries its proof, and the next run clears it.
      if (error.rolledBackWhole)
        await clearFailed(database, project, name).catch((why: unknown) => notCleared(log, why));
      const worthIt = error.lockTimeout || error.deadlock;
      const again = worthIt && error.rolledBackWhole && attempt <= lockRetries && !context.signal.aborted;
      if (!again) throw failure(error, attempt, before, blockers.seen(), request.backup, context.signal);
      const delay = retryDelayMs * 2 ** (attempt - 1);
      const why = error.deadlock
        ? "was in a deadlock with another session and was rolled back"
        : `waited ${lockTimeoutMs} ms for a lock and was rolled back so that nobody waits behind it`;
      log.warn(`${name}: ${why}; again in ${delay} ms (${attempt} of ${lockRetries})`, {
        blockedBy: describeSessions(blockers.seen()),
      });
      await sleep(delay, undefined, { signal: context.signal });
    } finally {
      await blockers.stop();
    }
  }
}

/** Looks, while a migration runs, at who it waits for, so that a lock timeout can name them. */
async function watchBlockers(
  { database }: MigrateRequest,
  lockTimeoutMs: number,
): Promise<{ seen(): Session[]; stop(): Promise<void> }> {
  const client = await connect(database, { applicationName: "safe-migration watch" });
  let seen: Session[] = [];
  let looking: Promise<void> | undefined;
  const look = async () => {
    const found = await findBlockers(client, migrateApplicationName);
    if (found.length > 0) seen = found;
  };
  const timer = setInterval(
    () => {
      // One look at a time; a look that fails says nothing about the migration.
      looking ??= look()
        .catch(() => undefined)
        .finally(() => (looking = undefined));
    },
    Math.min(250, Math.max(20, lockTimeoutMs / 4)),
  );
  return {
    seen: () => seen,
    stop: async () => {
      clearInterval(timer);
      await looking;
      await client.end().catch(() => undefined);
    },
  };
}

function failure(
  error: MigrationFailure,
  attempts: number,
  before: readonly Applied[],
  blockers: readonly Session[],
  backup: BackupResult,
  signal: AbortSignal,
): PipelineError {
  const command = (script: string, ...args: string[]) => npmRun(backup.environment, script, ...args);
  const restore = command("db:restore", "--backup", backup.id);
  const resolve = (how: string) => command("prisma:migrate:resolve", how, error.migration);
  const own = error.rolledBackWhole
    ? `${error.migration} was rolled back whole: nothing of it is in the database, and its history row is cleared.`
    : error.fateUnknown
      ? `Whether ${error.migration} was committed is not known, since the server could not be asked: it is there whole or not at all.`
      : `${error.migration} does not run in one transaction: statements before the one that failed may have been applied.`;
  const stopped = signal.aborted ? " It was stopped by a signal." : "";
  const blocked =
    error.lockTimeout && blockers.length > 0
      ? `\nIt waited ${attempts} time(s) for: ${describeSessions(blockers)}.`
      : "";
  return new PipelineError(
    {
      code: error.lockTimeout ? "LOCK_TIMEOUT" : "MIGRATION_FAILED",
      kind: signal.aborted && error.rolledBackWhole ? "interrupted" : changed(error, before),
      message: `${error.migration} failed: ${error.message}${blocked}${stopped}`,
      state: `${own} ${described(before)} Backup ${backup.id} holds the state before this run.`,
      next: error.lockTimeout
        ? "End or wait for those sessions, then run the same command."
        : (error.connectionLost || error.deadlock) && !isPartial(error)
          ? `Nothing is to be mended in the file: once the server answers, run the same command, which finds out and goes on from there; to go back to before this run: ${restore}`
          : error.rolledBackWhole
            ? `Mend ${error.migration}/migration.sql and run the same command; to go back to before this run: ${restore}`
            : `Look at the database, then: ${resolve("--rolled-back")} or ${resolve("--applied")}; or go back: ${restore}`,
    },
    { cause: error },
  );
}

function described(before: readonly Applied[]): string {
  return before.length === 0
    ? "No migration was applied by this run."
    : `Applied by this run before it, and kept: ${before.map(({ name }) => name).join(", ")}.`;
}

function isPartial(error: MigrationFailure): boolean {
  return !error.rolledBackWhole && !error.fateUnknown;
}

function notCleared(log: Logger, reason: unknown): void {
  log.warn(`the history row of the attempt could not be cleared; the next run does it: ${messageOf(reason)}`);
}

/** A refusal in the middle of a run knows nothing of the migrations before it. */
function afterOthers(error: unknown, before: readonly Applied[], backup: BackupResult): unknown {
  if (!(error instanceof PipelineError) || before.length === 0) return error;
  const { code, message, next } = error;
  const state = `${described(before)} Backup ${backup.id} holds the state before this run.`;
  return new PipelineError({ code, kind: "failedChanged", message, state, next }, { cause: error });
}

/** Somebody else may be migrating by now. */
function lockLost(name: string, before: readonly Applied[], backup: BackupResult): PipelineError {
  return new PipelineError({
    code: "MIGRATION_LOCK_LOST",
    kind: before.length > 0 ? "failedChanged" : "failedUnchanged",
    message: `${name} was not begun: the session that held Prisma's lock was ended (the server restarted, or somebody ended it).`,
    state: `${described(before)} Backup ${backup.id} holds the state before this run.`,
    next: "Run the same command: it goes on with the migrations that are left.",
  });
}

function changed(error: MigrationFailure, before: readonly Applied[]): "failedUnchanged" | "failedChanged" {
  return error.rolledBackWhole && before.length === 0 ? "failedUnchanged" : "failedChanged";
}
