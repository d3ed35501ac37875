import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { Database } from "../contracts.js";
import { connect } from "../postgres/connection.js";
import { type Session, findHolders, findTransactions } from "../postgres/sessions.js";

/** How often is looked whether they are still in the way, in milliseconds. */
const everyMs = 100;
/** Ages of transactions are told in whole seconds. */
const sameWithinMs = 2_000;

/** The modes that a lock waits for; PostgreSQL's manual, "Conflicting Lock Modes". */
const conflicts: Readonly<Record<string, readonly string[]>> = (() => {
  const writes = ["RowExclusiveLock"];
  const rest = ["ShareUpdateExclusiveLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"];
  const share = [...writes, ...rest];
  const exclusive = ["RowShareLock", ...share, "ShareLock"];
  return {
    ShareLock: share,
    ShareRowExclusiveLock: [...share, "ShareLock"],
    ExclusiveLock: exclusive,
    AccessExclusiveLock: ["AccessShareLock", ...exclusive],
  };
})();

/** Sees who would make a migration wait before it asks for a lock: whoever comes after it waits from then on, too. */
export interface InTheWay {
  /**
   * Those who hold what it needs, as far as that is known, and have done so for longer than it would wait; and those for whom it
   * waited before, in the same transaction. What cannot be seen is not in the way.
   */
  look(): Promise<readonly Session[]>;
  /** Those for whom it waited in vain. */
  waitedFor(sessions: readonly Session[]): void;
  /** Looks again and again until nobody is in the way, or the time is over. */
  untilClear(ms: number, signal: AbortSignal): Promise<void>;
  /** After how long PostgreSQL ends an autovacuum that a lock waits for, in milliseconds. */
  deadlockTimeoutMs(): Promise<number>;
  end(): Promise<void>;
}

/**
 * @param locks that the rehearsal saw it take: `public.orders AccessExclusiveLock`.
 * @param longerThanMs a transaction that is younger is taken to end in time.
 */
export function openInTheWay(database: Database, locks: readonly string[], longerThanMs: number): InTheWay {
  const held = locks.flatMap((lock) => {
    const at = lock.lastIndexOf(" ");
    return (conflicts[lock.slice(at + 1)] ?? []).map((mode) => ({ table: lock.slice(0, at), mode }));
  });
  let known: readonly (Pick<Session, "pid" | "prepared"> & { readonly begun: number })[] = [];
  let client: Promise<pg.Client> | undefined;
  const begunAt = ({ seconds }: Session) => Date.now() - seconds * 1_000;
  const ask = async <T>(work: (asked: pg.Client) => Promise<T>, otherwise: T): Promise<T> => {
    try {
      client ??= connect(database, { applicationName: "safe-migration watch" });
      return await work(await client);
    } catch {
      // The lock itself will tell.
      client = undefined;
      return otherwise;
    }
  };
  const look = async (): Promise<readonly Session[]> => {
    if (held.length === 0 && known.length === 0) return [];
    return ask(async (asked) => {
      const holders = held.length === 0 ? [] : await findHolders(asked, held, longerThanMs);
      const same = (await findTransactions(asked, known)).filter((session) => {
        const begun = known.find((one) => isSame(one, session))?.begun ?? 0;
        return Math.abs(begunAt(session) - begun) < sameWithinMs;
      });
      return [...holders, ...same.filter((one) => !holders.some((holder) => isSame(holder, one)))];
    }, []);
  };
  return {
    look,
    waitedFor: (sessions) => {
      known = sessions
        .filter(({ background }) => background !== true)
        .map((session) => ({ ...session, begun: begunAt(session) }));
    },
    async untilClear(ms, signal) {
      const end = performance.now() + ms;
      while (performance.now() < end && (await look()).length > 0)
        await sleep(Math.min(everyMs, Math.max(0, end - performance.now())), undefined, { signal });
    },
    deadlockTimeoutMs: () =>
      ask(async (asked) => {
        const { rows } = await asked.query<{ ms: number }>(
          "SELECT setting::int AS ms FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'",
        );
        return rows[0]?.ms ?? 0;
      }, 0),
    async end() {
      await (await client?.catch(() => undefined))?.end().catch(() => undefined);
    },
  };
}

type Id = Pick<Session, "pid" | "prepared">;

function isSame(one: Id, other: Id): boolean {
  return one.pid === other.pid && (one.prepared ?? null) === (other.prepared ?? null);
}
