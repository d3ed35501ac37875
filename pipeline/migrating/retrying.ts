import { setTimeout as sleep } from "node:timers/promises";
import type { StageContext } from "../context.js";
import type { Database, Settings } from "../contracts.js";
import { describeSessions } from "../postgres/sessions.js";
import { type InTheWay, openInTheWay } from "./inTheWay.js";
import { MigrationFailure } from "../prisma/apply.js";
import type { TimeoutLimits } from "../prisma/timeouts.js";
import type { Watch } from "../probe/availability.js";
import type { Circumstances } from "./failure.js";

export interface Retrying {
  /** The migration's name, for the log. */
  readonly name: string;
  readonly settings: Settings["migrate"];
  readonly context: StageContext;
  readonly watch: Watch;
  readonly database: Database;
  /** Locks that it is known to take and others wait for: `public.orders AccessExclusiveLock`; empty: not known before it asks. */
  readonly locks: readonly string[];
  /** How long a statement may run, in milliseconds; 0: no limit. Default: as the settings say. */
  readonly statementTimeoutMs?: number;
}

/** One migration's script, forward or back. */
export interface Script {
  run(limits: Required<TimeoutLimits> & { readonly signal: AbortSignal }): Promise<{ durationMs: number }>;
  /** Called when it was rolled back whole, before it is tried again or given up. */
  undone(): Promise<void>;
  /** What is thrown; `told` is there for a {@link MigrationFailure}. */
  failed(error: unknown, told?: Omit<Circumstances, "before" | "backup">): unknown;
}

/**
 * Runs a script, again after a lock timeout or a deadlock, as long as the application may be refused. It does not ask for a lock
 * while those who would make it wait can be seen, since everybody who comes after it would wait, too; only the last time it
 * asks all the same.
 */
export async function retrying(retry: Retrying, script: Script): Promise<{ durationMs: number; attempts: number }> {
  const way = openInTheWay(retry.database, retry.locks, retry.settings.lockTimeoutMs);
  try {
    return await tryAgain(retry, script, way);
  } finally {
    await way.end();
  }
}

async function tryAgain(
  { name, settings, context, watch, ...own }: Retrying,
  script: Script,
  way: InTheWay,
): Promise<{ durationMs: number; attempts: number }> {
  const { lockTimeoutMs, lockRetries, retryDelayMs, retryDelayMaxMs, concurrentTimeoutMs, maxRefusedMs } = settings;
  const statementTimeoutMs = own.statementTimeoutMs ?? settings.statementTimeoutMs;
  let attempts = 0;
  let forVacuumMs = 0;
  for (let turn = 1; ; turn++) {
    const delay = Math.min(retryDelayMaxMs, retryDelayMs * 2 ** (turn - 1));
    const again = `again in ${delay} ms at the latest (${turn} of ${lockRetries})`;
    const inTheWay = turn > lockRetries ? [] : await way.look();
    if (inTheWay.length > 0) {
      const why = "not begun, as it would wait for a lock, and others behind it";
      context.log.warn(`${name}: ${why}; ${again}`, { blockedBy: describeSessions(inTheWay) });
      await way.untilClear(delay, context.signal);
      continue;
    }
    attempts++;
    watch.nextAttempt();
    // Whoever waits behind a migration that waits for a lock is refused for as long: no longer than the budget has left.
    const left = Math.floor(maxRefusedMs - watch.refusedMs());
    const patience = Math.max(1, Math.min(lockTimeoutMs + forVacuumMs, left));
    try {
      const signal = AbortSignal.any([context.signal, watch.exceeded]);
      const limits = { lockTimeoutMs: patience, statementTimeoutMs, concurrentTimeoutMs, signal };
      const { durationMs } = await script.run(limits);
      return { durationMs, attempts };
    } catch (error) {
      if (!(error instanceof MigrationFailure)) throw script.failed(error);
      if (error.rolledBackWhole) await script.undone();
      const worthIt = error.lockTimeout || error.deadlock;
      const stopped = context.signal.aborted;
      const refusedMs = Math.round(watch.refusedMs());
      const blockers = watch.blockers();
      const over = watch.exceeded.aborted || (worthIt && refusedMs >= maxRefusedMs);
      if (!worthIt || !error.rolledBackWhole || turn > lockRetries || stopped || over) {
        throw script.failed(error, {
          ...{ attempts, blockers, stopped },
          ...(over && !stopped ? { budget: { refusedMs, maxRefusedMs } } : {}),
        });
      }
      const why = error.deadlock
        ? "was in a deadlock with another session and was rolled back"
        : `waited ${patience} ms for a lock and was rolled back so that nobody waits behind it`;
      context.log.warn(`${name}: ${why}; ${again}`, { blockedBy: describeSessions(blockers) });
      // Autovacuum gives way, but only to what has waited for `deadlock_timeout`.
      const vacuum = blockers.length > 0 && blockers.every(({ background }) => background === true);
      forVacuumMs = vacuum ? await way.deadlockTimeoutMs() : 0;
      way.waitedFor(blockers);
      await sleep(Math.min(delay, retryDelayMs), undefined, { signal: context.signal });
      await way.untilClear(delay - retryDelayMs, context.signal);
    }
  }
}
