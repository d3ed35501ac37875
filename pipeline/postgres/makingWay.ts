import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { Database } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { connect, sqlState } from "./connection.js";
import { type Session, describeSessions, findCrossing } from "./sessions.js";
import type { HeldSnapshot } from "./snapshot.js";

/** How often is looked for who waits, in milliseconds: for so long the application may wait behind them. */
const everyMs = 250;
/** How often it is begun in all. */
const attempts = 5;
/** Before it is begun again, in milliseconds; doubled for each further one. */
const pauseMs = 200;

export interface MakingWay {
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Called before it is begun again: what the one before has left is to go. */
  readonly again?: () => Promise<void>;
}

/** One try, which tells which session holds the tables from the moment it does. */
export type Reading<T> = (
  signal: AbortSignal,
  holding: (held: HeldSnapshot) => Promise<void>,
  attempt: number,
) => Promise<T>;

/**
 * Reads a database in several sessions, of which one holds all tables against changes of their form. Who wants to change one (TRUNCATE,
 * ALTER, DROP) waits for that; and a session of ours that comes to the table after him waits for him: so nobody would go on until a time is
 * up, and everybody behind him would wait as long. As soon as that is seen, it makes way and is begun anew, and so it is where
 * something was dropped while it was read.
 *
 * @throws PipelineError (`SCHEMA_CHANGING`, failedUnchanged) where that happens each time; and what `reading` throws.
 */
export async function makingWay<T>(database: Database, options: MakingWay, reading: Reading<T>): Promise<T> {
  const { log, signal, again } = options;
  for (let attempt = 1; ; attempt++) {
    const watch = new Watch(database);
    try {
      return await reading(AbortSignal.any([signal, watch.crossed]), (held) => watch.begin(held), attempt);
    } catch (error) {
      const why = watch.who.length > 0 ? `in between came ${describeSessions(watch.who)}` : goneWhileRead(error);
      if (why === undefined || signal.aborted) throw error;
      if (attempt === attempts) throw changing(why, error);
      log.warn(`the tables are read anew (${attempt + 1} of ${attempts}): ${why}`);
    } finally {
      await watch.end();
    }
    await sleep(pauseMs * 2 ** (attempt - 1), undefined, { signal }).catch(() => undefined);
    await again?.();
  }
}

class Watch {
  readonly #database: Database;
  readonly #stop = new AbortController();
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  who: readonly Session[] = [];

  constructor(database: Database) {
    this.#database = database;
  }

  get crossed(): AbortSignal {
    return this.#stop.signal;
  }

  async begin({ client: holder }: HeldSnapshot): Promise<void> {
    const { rows } = await holder.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    const pid = rows[0]?.pid ?? 0;
    const client = await connect(this.#database, { applicationName: "safe-migration watch" });
    this.#client = client;
    const look = async () => {
      const found = await findCrossing(client, pid);
      if (found.length === 0 || this.crossed.aborted) return;
      this.who = found;
      this.#stop.abort(new Error("somebody waits for it, and it for him"));
    };
    this.#timer = setInterval(() => {
      // A look that fails says nothing; the lock's own time limit is left.
      this.#looking ??= look()
        .catch(() => undefined)
        .finally(() => (this.#looking = undefined));
    }, everyMs);
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    await this.#client?.end().catch(() => undefined);
  }
}

/** Why a read failed, where it did because something was dropped, or wanted exclusively, after it was found; else `undefined`. */
function goneWhileRead(error: unknown): string | undefined {
  const text = messageOf(error);
  // 42P01, 3F000, 42704: of what the catalogue had a moment before.
  if (["42P01", "3F000", "42704"].includes(sqlState(error) ?? "")) return `in between something was dropped: ${text}`;
  const dumped = error instanceof PipelineError && (error.code === "DUMP_FAILED" || error.code === "BLOCKED");
  const all = dumped ? `${text} ${error.cause === undefined ? "" : messageOf(error.cause)}` : text;
  return /does not exist|could not open relation|cache lookup failed|could not obtain lock on relation/.test(all)
    ? `in between something was dropped or changed: ${text}`
    : undefined;
}

function changing(why: string, cause: unknown): PipelineError {
  return new PipelineError(
    {
      code: "SCHEMA_CHANGING",
      kind: "failedUnchanged",
      message: `The database could not be read whole in ${attempts} tries, as tables are dropped or changed in form all along: ${why}.`,
      state: "The database was not changed, and no backup was recorded. Nobody waits for it.",
      next: "Wait until what creates, alters, drops or truncates tables is done, or stop it; then run the same command.",
    },
    { cause },
  );
}
