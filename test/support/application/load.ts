import { setTimeout as sleep } from "node:timers/promises";
import { type TargetSeen, Tally } from "../../../pipeline/probe/tally.js";

export interface LoadOptions {
  /** Where the application listens: `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  /** An answer later than this counts as refused, in milliseconds. */
  readonly refusedAfterMs: number;
  /** A request without an answer is given up, in milliseconds. */
  readonly timeoutMs?: number;
  /** Begins the numbers of the orders; of two loads on one database each needs its own. At most 6 characters. */
  readonly prefix: string;
}

/** What readers and writers met. */
export interface LoadSeen {
  readonly targets: readonly TargetSeen[];
  readonly requests: number;
  readonly refused: number;
  /** Time in which reads or writes had no service, and the longest such time, in milliseconds. */
  readonly refusedMs: number;
  readonly longestRefusedMs: number;
  /** Numbers of the orders that the application said it had taken. */
  readonly acknowledged: readonly string[];
  /** Numbers of orders of which nobody knows: the answer was lost. */
  readonly unknown: readonly string[];
}

/** Readers and writers in an open loop: each request is sent at its time, whether those before it were answered or not. */
export interface Load {
  /** So far. */
  seen(): LoadSeen;
  /** Sends no more and waits for the last answers. */
  stop(): Promise<LoadSeen>;
}

export function startLoad(options: LoadOptions): Load {
  const { url, prefix, refusedAfterMs, timeoutMs = 30_000 } = options;
  // A request that fails at once stands for the time until the next one of its kind.
  const tally = new Tally(refusedAfterMs, 1_000 / Math.min(options.readsPerSecond, options.writesPerSecond));
  const acknowledged: string[] = [];
  const unknown: string[] = [];
  const open = new Set<Promise<void>>();
  const stopped = new AbortController();
  let count = 0;

  const send = async (kind: "read" | "write", intended: number): Promise<void> => {
    const number = `${prefix}${(++count).toString(36)}`;
    const request = kind === "read" ? fetchStatus(`${url}/orders`, "GET", timeoutMs) : write(number);
    const answered = (await request) === (kind === "read" ? 200 : 201);
    tally.record(kind, { intended, ended: Date.now(), answered });
  };
  const write = async (number: string): Promise<number | undefined> => {
    const status = await fetchStatus(`${url}/orders/${number}`, "POST", timeoutMs);
    if (status === 201) acknowledged.push(number);
    else unknown.push(number);
    return status;
  };
  const loop = async (kind: "read" | "write", perSecond: number): Promise<void> => {
    let intended = Date.now();
    while (!stopped.signal.aborted) {
      await sleep(Math.max(0, intended - Date.now()), undefined, { signal: stopped.signal }).catch(() => undefined);
      if (stopped.signal.aborted) return;
      const request = send(kind, intended).finally(() => open.delete(request));
      open.add(request);
      intended += 1_000 / perSecond;
    }
  };
  const loops = [loop("read", options.readsPerSecond), loop("write", options.writesPerSecond)];
  const seen = (): LoadSeen => ({
    targets: tally.seen(),
    ...tally.counts(),
    refusedMs: Math.round(tally.refusedMs()),
    longestRefusedMs: Math.round(tally.longestRefusedMs()),
    acknowledged: [...acknowledged],
    unknown: [...unknown],
  });
  return {
    seen,
    async stop() {
      stopped.abort();
      await Promise.all(loops);
      await Promise.all(open);
      return seen();
    },
  };
}

async function fetchStatus(url: string, method: string, timeoutMs: number): Promise<number | undefined> {
  try {
    const response = await fetch(url, { method, signal: AbortSignal.timeout(timeoutMs) });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return undefined;
  }
}
