import { setTimeout as sleep } from "node:timers/promises";
import type { StageContext } from "../context.js";
import type { Settings } from "../contracts.js";
import { describeSessions } from "../postgres/sessions.js";
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

/** Runs a script, again after a lock timeout or a deadlock, as long as the application may be refused. */
export async function retrying(
  { name, settings, context, watch, ...own }: Retrying,
  script: Script,
): Promise<{ durationMs: number; attempts: number }> {
  const { lockTimeoutMs, lockRetries, retryDelayMs, concurrentTimeoutMs, maxRefusedMs } = settings;
  const statementTimeoutMs = own.statementTimeoutMs ?? settings.statementTimeoutMs;
  for (let attempt = 1; ; attempt++) {
    watch.nextAttempt();
    // Whoever waits behind a migration that waits for a lock is refused for as long: no longer than the budget has left.
    const patience = Math.max(1, Math.min(lockTimeoutMs, Math.floor(maxRefusedMs - watch.refusedMs())));
    try {
      const signal = AbortSignal.any([context.signal, watch.exceeded]);
      const limits = { lockTimeoutMs: patience, statementTimeoutMs, concurrentTimeoutMs, signal };
      const { durationMs } = await script.run(limits);
      return { durationMs, attempts: attempt };
    } catch (error) {
      if (!(error instanceof MigrationFailure)) throw script.failed(error);
      if (error.rolledBackWhole) await script.undone();
      const worthIt = error.lockTimeout || error.deadlock;
      const stopped = context.signal.aborted;
      const refusedMs = Math.round(watch.refusedMs());
      const over = watch.exceeded.aborted || (worthIt && refusedMs >= maxRefusedMs);
      if (!worthIt || !error.rolledBackWhole || attempt > lockRetries || stopped || over) {
        throw script.failed(error, {
          attempts: attempt,
          blockers: watch.blockers(),
          stopped,
          ...(over && !stopped ? { budget: { refusedMs, maxRefusedMs } } : {}),
        });
      }
      const delay = retryDelayMs * 2 ** (attempt - 1);
      const why = error.deadlock
        ? "was in a deadlock with another session and was rolled back"
        : `waited ${patience} ms for a lock and was rolled back so that nobody waits behind it`;
      context.log.warn(`${name}: ${why}; again in ${delay} ms (${attempt} of ${lockRetries})`, {
        blockedBy: describeSessions(watch.blockers()),
      });
      await sleep(delay, undefined, { signal: context.signal });
    }
  }
}
