import { setTimeout as sleep } from "node:timers/promises";
import { lock } from "proper-lockfile";
import { PipelineError } from "../errors.js";
import type { StageContext } from "../context.js";
import { explained } from "./files.js";

/** A holder that was killed is known by a lock not renewed for this long, in milliseconds. */
const staleMs = 10_000;
/** How long to wait for another process, in milliseconds: a first start with recovery takes seconds. */
const waitMs = 180_000;
const pollMs = 250;

/**
 * Runs `work` while no other process works on the same directory; a second one waits for the first.
 *
 * @throws PipelineError `CLUSTER_BUSY` if the other does not end, `INTERRUPTED` if stopped while waiting.
 */
export async function withDirectoryLock<T>(
  directory: string,
  { log, signal }: StageContext,
  work: () => Promise<T>,
): Promise<T> {
  const release = await acquire(directory, { log, signal });
  try {
    return await work();
  } catch (error) {
    throw explained(error, directory);
  } finally {
    // A lock that was lost has been reported; releasing it again is no further failure.
    await release().catch(() => undefined);
  }
}

async function acquire(directory: string, { log, signal }: StageContext): Promise<() => Promise<void>> {
  const until = Date.now() + waitMs;
  for (let told = false; ; told = true) {
    if (signal.aborted) throw interrupted(directory);
    try {
      return await lock(directory, {
        lockfilePath: `${directory}/lock`,
        stale: staleMs,
        update: staleMs / 4,
        onCompromised: (error) => log.warn(`The lock on ${directory} was lost: ${error.message}`),
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ELOCKED") throw explained(error, directory);
    }
    if (!told) log.info(`Another process is working on the local cluster in ${directory}; waiting for it.`);
    if (Date.now() > until) throw busy(directory);
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
}

function busy(directory: string): PipelineError {
  return new PipelineError({
    code: "CLUSTER_BUSY",
    kind: "refused",
    message: `Another process has been working on the local cluster in ${directory} for ${waitMs / 1_000} seconds.`,
    state: "This process changed nothing.",
    next: "Wait for the other one or end it, then run the same command.",
  });
}

export function interrupted(directory: string): PipelineError {
  return new PipelineError({
    code: "INTERRUPTED",
    kind: "interrupted",
    message: `Stopped while bringing up the local cluster in ${directory}.`,
    state: "What is there is whole; the next start goes on from it.",
    next: "npm start",
  });
}
