import { setTimeout as sleep } from "node:timers/promises";
import type { Settings } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { type Rds, isPassing } from "./client.js";

/** What was seen: that it is there, or how far it has come. */
export type Seen<T> = { readonly done: T } | { readonly status: string; readonly fraction?: number };

export interface Waiting {
  /** What is waited for: `DB snapshot x`. */
  readonly what: string;
  readonly settings: Pick<Settings["backup"], "rdsWaitMinutes" | "rdsAskSeconds">;
  readonly log: Logger;
  /** The share of the whole that this is: progress goes from the first to the second. */
  readonly share: readonly [number, number];
  /** Ends it before. */
  readonly signal: AbortSignal;
  /** What is there, and what to run, where it takes too long. */
  readonly late: { readonly state: string; readonly next: string };
}

/** How many looks in a row may fail in a way that passes. */
const lostLooks = 30;

/**
 * Looks at something that RDS makes until it is there. What passes (too many requests, a broken connection) does not end it.
 *
 * @throws PipelineError (`RDS_LATE`, failedUnchanged) where it takes longer than `backup.rdsWaitMinutes`; what `look` throws.
 */
export async function waitFor<T>(rds: Rds, look: () => Promise<Seen<T>>, waiting: Waiting): Promise<T> {
  const { what, settings, log, share, late, signal } = waiting;
  const [from, to] = share;
  const started = Date.now();
  const limitMs = settings.rdsWaitMinutes * 60_000;
  let lost = 0;
  let told = "";
  for (;;) {
    signal.throwIfAborted();
    const seen = await look().catch((error: unknown): Seen<T> => {
      rds.signal.throwIfAborted();
      lost++;
      if (!passes(error) || lost >= lostLooks) throw error;
      log.debug(`RDS could not be asked: ${messageOf(error)}`);
      return { status: "not known" };
    });
    if ("done" in seen) return seen.done;
    if (seen.status !== "not known") lost = 0;
    const waitedMs = Date.now() - started;
    if (waitedMs > limitMs) throw tooLate(waiting, seen.status, late);
    if (seen.status !== told) log.info(`waiting for ${what}: ${seen.status}`);
    told = seen.status;
    const part = seen.fraction ?? waitedMs / (waitedMs + limitMs / 10);
    log.progress(`${what}: ${seen.status}`, from + (to - from) * Math.min(1, part));
    await sleep(Math.min(settings.rdsAskSeconds * 1_000, 60_000), undefined, { signal });
  }
}

function passes(error: unknown): boolean {
  return isPassing(error instanceof PipelineError ? error.cause : error);
}

function tooLate({ what, settings }: Waiting, status: string, late: Waiting["late"]): PipelineError {
  return new PipelineError({
    code: "RDS_LATE",
    kind: "failedUnchanged",
    message: `${what} is still "${status}" after ${settings.rdsWaitMinutes} minutes (backup.rdsWaitMinutes).`,
    ...late,
  });
}
