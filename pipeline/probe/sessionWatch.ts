import type { Database } from "../contracts.js";
import { connect } from "../postgres/connection.js";
import { type Session, findBlockers, findWaiting } from "../postgres/sessions.js";

/** How often is looked, in milliseconds. */
const everyMs = 100;

/** A session of the application that waited for the migration, in milliseconds since the epoch. */
export interface Waited {
  readonly from: number;
  readonly to: number;
}

/** Who stands in the migration's way, and in whose way it stands. */
export interface SessionWatch {
  /** Those that were last seen to be waited for. */
  blockers(): readonly Session[];
  /** Begins of the waits for the migration that go on. */
  waitingSince(): number[];
  /** Forgets the blockers of an attempt that is over. */
  nextAttempt(): void;
  stop(): Promise<void>;
}

/**
 * Looks at the sessions while a migration runs. A lock on a row, which no probe meets, is seen here: by the sessions that wait.
 *
 * @param script application name of the session that runs the migration.
 * @param onWaited told of each wait once it has ended.
 */
export async function watchSessions(
  database: Database,
  script: string,
  onWaited: (waited: Waited) => void,
): Promise<SessionWatch> {
  const client = await connect(database, {
    applicationName: "safe-migration watch",
    settings: { statement_timeout: "0" },
  });
  let blockers: readonly Session[] = [];
  const waiting = new Map<number, number>();
  let looking: Promise<void> | undefined;
  const endWait = (pid: number, to: number) => {
    const from = waiting.get(pid);
    waiting.delete(pid);
    if (from !== undefined) onWaited({ from, to });
  };
  const look = async () => {
    const found = await findBlockers(client, script);
    if (found.length > 0) blockers = found;
    const pids = new Set(await findWaiting(client, script));
    const now = Date.now();
    for (const pid of [...waiting.keys()]) if (!pids.has(pid)) endWait(pid, now);
    for (const pid of pids) if (!waiting.has(pid)) waiting.set(pid, now);
  };
  const timer = setInterval(() => {
    // One look at a time; a look that fails says nothing about the migration.
    looking ??= look()
      .catch(() => undefined)
      .finally(() => (looking = undefined));
  }, everyMs);
  return {
    blockers: () => blockers,
    waitingSince: () => [...waiting.values()],
    nextAttempt: () => (blockers = []),
    async stop() {
      clearInterval(timer);
      await looking;
      for (const pid of [...waiting.keys()]) endWait(pid, Date.now());
      await client.end().catch(() => undefined);
    },
  };
}
