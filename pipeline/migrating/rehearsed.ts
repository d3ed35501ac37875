import type { MigrationRef, RehearseResult, Settings } from "../contracts.js";

type Limits = Pick<
  Settings["migrate"],
  "statementTimeoutMs" | "rehearsedTimeoutFactor" | "rehearsedTimeoutLeastMs" | "lockTimeoutMs"
>;

/**
 * How long one statement of a rehearsed migration may run, in milliseconds: a multiple of what all of the migration took on the
 * copy, and the time that it may wait for a lock, but no longer than the configuration allows any statement. What takes many times
 * as long as it did an hour ago does something else by now, or waits; it is ended before anybody has to look.
 *
 * `statementTimeoutMs` 0, no limit, stays: whoever sets it does not want any.
 */
export function statementTimeoutFor(durationMs: number | undefined, limits: Limits): number {
  const { statementTimeoutMs, rehearsedTimeoutFactor, rehearsedTimeoutLeastMs, lockTimeoutMs } = limits;
  if (durationMs === undefined || rehearsedTimeoutFactor === 0 || statementTimeoutMs === 0) return statementTimeoutMs;
  const suggested = Math.max(rehearsedTimeoutLeastMs, Math.ceil(durationMs * rehearsedTimeoutFactor)) + lockTimeoutMs;
  return Math.min(statementTimeoutMs, suggested);
}

/** What a migration took on the copy, in milliseconds; `undefined`: it was not run there. */
export function rehearsedMs(rehearsal: RehearseResult, name: string): number | undefined {
  if (rehearsal.verdict === "skipped") return undefined;
  const found = rehearsal.migrations.find((migration) => migration.name === name);
  return found === undefined || found.notCommitted?.tried === false ? undefined : found.durationMs;
}

/** Locks that readers or writers wait for, as the copy showed them: `public.orders AccessExclusiveLock`; empty: none is known. */
export function rehearsedLocks(rehearsal: RehearseResult, name: string): readonly string[] {
  if (rehearsal.verdict === "skipped") return [];
  return rehearsal.migrations.find((migration) => migration.name === name)?.locks ?? [];
}

/** What the pending migrations will probably take, in milliseconds: as long as on the copy. */
export function predictedMs(rehearsal: RehearseResult, pending: readonly MigrationRef[]): number {
  return pending.reduce((sum, { name }) => sum + (rehearsedMs(rehearsal, name) ?? 0), 0);
}
