import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../contracts.js";
import { connect } from "../postgres/connection.js";
import { migrateApplicationName } from "../prisma/apply.js";
import { type Locks, strongestOf } from "./locks.js";

/** How often the locks of a migration are looked at, in milliseconds: far below what anybody notices as waiting. */
const everyMs = 20;

export interface SampledLocks {
  readonly locks: Locks;
  /** How long a lock on a table was seen, the longest on any, in milliseconds, by the table's number. */
  readonly heldMs: ReadonlyMap<number, number>;
}

/**
 * Looks from a session of its own, again and again, at the locks that a migration holds on tables while it runs: for one that
 * cannot be tried in a transaction which is rolled back, as nothing of it can be asked of its own session. A lock that is held for
 * less than 20 ms may go unseen.
 */
export async function sampleLocks<T>(
  database: Database,
  work: () => Promise<T>,
): Promise<{ readonly made: T; readonly sampled: SampledLocks }> {
  const client = await connect(database, { applicationName: "safe-migration locks" });
  const seen = new Map<string, { oid: number; mode: string; from: number; to: number }>();
  let running = true;
  const look = async () => {
    while (running) {
      const { rows } = await client.query<{ oid: number; mode: string }>(
        `SELECT DISTINCT l.relation AS oid, l.mode FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
          WHERE l.locktype = 'relation' AND l.granted AND l.relation >= 16384
            AND a.datname = pg_catalog.current_database() AND a.application_name = $1`,
        [migrateApplicationName],
      );
      const now = performance.now();
      for (const { oid, mode } of rows) {
        const known = seen.get(`${oid} ${mode}`);
        seen.set(`${oid} ${mode}`, { oid, mode, from: known?.from ?? now, to: now + everyMs });
      }
      await sleep(everyMs);
    }
  };
  try {
    const looking = look();
    // Told of below; until then nobody awaits it.
    looking.catch(() => undefined);
    try {
      const made = await work();
      running = false;
      await looking;
      return { made, sampled: summarise([...seen.values()]) };
    } finally {
      running = false;
      await looking.catch(() => undefined);
    }
  } finally {
    await client.end().catch(() => undefined);
  }
}

function summarise(seen: readonly { oid: number; mode: string; from: number; to: number }[]): SampledLocks {
  const locks = strongestOf(seen);
  const heldMs = new Map<number, number>();
  for (const { oid, mode, from, to } of seen) {
    if (strongestOf([{ oid, mode }]).get(oid) === locks.get(oid)) heldMs.set(oid, Math.round(to - from));
  }
  return { locks, heldMs };
}
