import { setTimeout as sleep } from "node:timers/promises";
import type { Sample } from "./tally.js";

export interface OpenLoopOptions {
  /** Time from one intended start to the next, in milliseconds. */
  readonly everyMs: number;
  /** Asks once. @returns whether it was answered; `gone`: there is nothing left to ask. */
  readonly ask: () => Promise<"answered" | "refused" | "gone">;
  readonly record: (sample: Sample) => void;
}

/** Requests at fixed times, whatever the answers take. */
export interface OpenLoop {
  /** Intended start of the request that has no answer yet; `undefined`: none is waited for. */
  since(): number | undefined;
  /** Ends the loop; what is waited for is given up after `patienceMs` and counted as refused until then. */
  stop(patienceMs: number): Promise<void>;
}

/**
 * Asks at fixed times, and counts each answer from the time at which its request was to start. A loop that sends the next
 * request only after the answer to the last one would see a lock of a minute as one slow request: here every request that was
 * to start meanwhile is counted, as answered when the one that waits is, since all would have waited for the same.
 */
export function openLoop({ everyMs, ask, record }: OpenLoopOptions): OpenLoop {
  const stopped = new AbortController();
  let waiting: number | undefined;
  let givenUp = false;
  const work = (async () => {
    let intended = Date.now();
    while (!stopped.signal.aborted) {
      waiting = intended;
      const answer = await ask();
      waiting = undefined;
      if (answer === "gone" || givenUp) return;
      const ended = Date.now();
      do {
        record({ intended, ended, answered: answer === "answered" });
        intended += everyMs;
      } while (intended <= ended);
      await sleep(intended - ended, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  })();
  return {
    since: () => waiting,
    async stop(patienceMs) {
      stopped.abort();
      const since = waiting;
      const late = new AbortController();
      const inTime = await Promise.race([
        work.then(() => true),
        sleep(patienceMs, false, { signal: late.signal }).catch(() => false),
      ]);
      late.abort();
      givenUp = !inTime;
      if (givenUp && since !== undefined) record({ intended: since, ended: Date.now(), answered: false });
    },
  };
}
