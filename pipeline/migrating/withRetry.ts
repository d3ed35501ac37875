import { setTimeout as sleep } from "node:timers/promises";
import type { StageContext } from "../context.js";
import type { MigrateRequest } from "../contracts.js";
import { messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { describeSessions } from "../postgres/sessions.js";
import { MigrationFailure, applyMigration, clearFailed } from "../prisma/apply.js";
import type { MigrationsFolder } from "../prisma/migrations.js";
import type { PrismaSchema } from "../prisma/schema.js";
import type { AvailabilityProbe, Watch } from "../probe/availability.js";
import { type Applied, afterOthers, migrationFailed } from "./failure.js";

/** The project as it was read for this run. */
export interface LoadedProject {
  readonly folder: MigrationsFolder;
  readonly schema: PrismaSchema;
}

/**
 * Applies one migration, again after a lock timeout or a deadlock, while it is watched what the application meets meanwhile.
 *
 * @param before migrations that this run applied already.
 * @throws PipelineError
 */
export async function applyWithRetry(
  request: MigrateRequest,
  context: StageContext,
  project: LoadedProject,
  name: string,
  before: readonly Applied[],
  probe: AvailabilityProbe,
): Promise<{ durationMs: number; attempts: number }> {
  const sql = project.folder.migrations.find((migration) => migration.name === name)?.sql ?? "";
  const watch = await probe.watch(sql).catch((error: unknown) => {
    throw afterOthers(error, before, request.backup);
  });
  try {
    return await attempts(request, context, project, name, before, watch);
  } finally {
    await watch.stop();
  }
}

async function attempts(
  request: MigrateRequest,
  context: StageContext,
  { folder, schema }: LoadedProject,
  name: string,
  before: readonly Applied[],
  watch: Watch,
): Promise<{ durationMs: number; attempts: number }> {
  const { backup, database, project, settings } = request;
  const { log } = context;
  const { lockTimeoutMs, lockRetries, retryDelayMs, statementTimeoutMs, concurrentTimeoutMs, maxRefusedMs } =
    settings.migrate;
  for (let attempt = 1; ; attempt++) {
    watch.nextAttempt();
    // Whoever waits behind a migration that waits for a lock is refused for as long: no longer than the budget has left.
    const patience = Math.max(1, Math.min(lockTimeoutMs, Math.floor(maxRefusedMs - watch.refusedMs())));
    try {
      const { durationMs } = await applyMigration(database, project, folder, name, {
        lockTimeoutMs: patience,
        statementTimeoutMs,
        concurrentTimeoutMs,
        log,
        schema,
        environment: request.environment,
        signal: AbortSignal.any([context.signal, watch.exceeded]),
      });
      return { durationMs, attempts: attempt };
    } catch (error) {
      if (!(error instanceof MigrationFailure)) throw afterOthers(error, before, backup);
      // Where that fails, too, the row carries its proof, and the next run clears it.
      if (error.rolledBackWhole)
        await clearFailed(database, project, name).catch((why: unknown) => notCleared(log, why));
      const worthIt = error.lockTimeout || error.deadlock;
      const stopped = context.signal.aborted;
      const refusedMs = Math.round(watch.refusedMs());
      const over = watch.exceeded.aborted || (worthIt && refusedMs >= maxRefusedMs);
      if (!worthIt || !error.rolledBackWhole || attempt > lockRetries || stopped || over) {
        throw migrationFailed(error, {
          attempts: attempt,
          before,
          blockers: watch.blockers(),
          backup,
          stopped,
          ...(over && !stopped ? { budget: { refusedMs, maxRefusedMs } } : {}),
        });
      }
      const delay = retryDelayMs * 2 ** (attempt - 1);
      const why = error.deadlock
        ? "was in a deadlock with another session and was rolled back"
        : `waited ${patience} ms for a lock and was rolled back so that nobody waits behind it`;
      log.warn(`${name}: ${why}; again in ${delay} ms (${attempt} of ${lockRetries})`, {
        blockedBy: describeSessions(watch.blockers()),
      });
      await sleep(delay, undefined, { signal: context.signal });
    }
  }
}

function notCleared(log: Logger, reason: unknown): void {
  log.warn(`the history row of the attempt could not be cleared; the next run does it: ${messageOf(reason)}`);
}
