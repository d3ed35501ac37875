import { setTimeout as sleep } from "node:timers/promises";

/** How long an outage is sat out, counted from the last thing that worked, in milliseconds. */
export const patienceMs = 5 * 60_000;
const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

export interface PatienceOptions {
  readonly signal?: AbortSignal;
  /** Default: {@link patienceMs}. */
  readonly patienceMs?: number;
  /** Called before each pause, with what went wrong. */
  readonly onRetry?: (error: unknown, pauseMs: number) => void;
}

/**
 * Tries again what failed for a reason that passes: no connection, a broken or silent one, an answer of the kind "slow down" or
 * "internal error". What the service refuses is not tried again.
 */
export async function patiently<T>(work: () => Promise<T>, options: PatienceOptions = {}): Promise<T> {
  const { signal, patienceMs: patience = patienceMs, onRetry } = options;
  const started = Date.now();
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, longestPauseMs)) {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      if (!passes(error) || Date.now() - started + pause > patience) throw error;
      onRetry?.(error, pause);
      await sleep(pause, undefined, { signal });
    }
  }
}

const passingNames = new Set([
  "TimeoutError",
  "RequestTimeout",
  "SlowDown",
  "InternalError",
  "ServiceUnavailable",
  "ThrottlingException",
  "IncompleteBody",
]);
const passingCodes = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
  "ERR_STREAM_PREMATURE_CLOSE",
]);

/** Whether the same may work later, without anybody mending anything. */
export function passes(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, $metadata: metadata } = error as { code?: unknown; $metadata?: { httpStatusCode?: number } };
  if (passingNames.has(error.name) || (typeof code === "string" && passingCodes.has(code))) return true;
  const status = metadata?.httpStatusCode;
  if (status !== undefined && status >= 500) return true;
  // A connection that broke in the middle of a body.
  return error.message === "aborted" || /socket hang up|premature close|terminated/i.test(error.message);
}
