/** What a snapshot of PostgreSQL sees. Transactions are numbered in the order in which they began to write. */
export interface Snapshot {
  /** From here on none had begun: it sees none of them. */
  readonly end: bigint;
  /** Those from before `end` that were running: it sees none of them either. */
  readonly running: readonly bigint[];
}

/**
 * Reads what `pg_current_snapshot()` prints: `xmin:xmax:xip,xip,…`.
 *
 * @throws Error for any other text.
 */
export function parseSnapshot(text: string): Snapshot {
  const [, end, running] = /^\d+:(\d+):((?:\d+(?:,\d+)*)?)$/.exec(text) ?? [];
  if (end === undefined || running === undefined) throw new Error(`not a snapshot: "${text}"`);
  return { end: BigInt(end), running: running === "" ? [] : running.split(",").map(BigInt) };
}

/**
 * The transactions that one snapshot does not see, and that had begun before a later one was taken: nothing that was committed by
 * then is missing in the earlier one but what is among these.
 */
export function unseen(earlier: Snapshot, later: Snapshot): bigint[] {
  const since = Array.from({ length: Number(later.end - earlier.end) }, (_, at) => earlier.end + BigInt(at));
  return [...earlier.running, ...since];
}
