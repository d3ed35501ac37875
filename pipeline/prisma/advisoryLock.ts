import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { Database } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { connect } from "../postgres/connection.js";

/** The key that Prisma's native schema engine locks before it migrates (`pg_advisory_lock(72707369)`). */
export const prismaLockKey = 72_707_369;

/**
 * The key that the session holds which runs a migration's script. When a run is killed its other sessions end at once, but
 * the server goes on with the statement that it was given; whoever holds Prisma's lock must wait for this one too.
 */
export const scriptLockKey = 727_073_690;

const pollMs = 200;

interface Holder {
  readonly key: string;
  readonly pid: number;
  readonly application: string;
  readonly user: string | null;
  readonly address: string | null;
  readonly seconds: number;
  readonly state: string | null;
}

/** Prisma's lock while it is held. */
export interface AdvisoryLock {
  /** Whether the session that holds it is still there; a server that restarts, or a person, may end it. */
  isHeld(): boolean;
}

/**
 * Does `work` while holding Prisma's advisory lock, so that neither another run nor `prisma migrate deploy` migrates at the
 * same time, and no session of a killed run is still at it.
 *
 * @param waitMs how long to wait for the lock, in milliseconds.
 * @throws PipelineError (`refused`) naming the session that holds the lock.
 */
export async function withAdvisoryLock<T>(
  database: Database,
  waitMs: number,
  work: (lock: AdvisoryLock) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const client = await connect(database, { applicationName: "safe-migration lock" });
  let lost = false;
  client.once("end", () => (lost = true));
  try {
    await acquire(client, database, waitMs, signal);
    return await work({ isHeld: () => !lost });
  } finally {
    // Ending the session gives the lock back.
    await client.end().catch(() => undefined);
  }
}

async function acquire(client: pg.Client, database: Database, waitMs: number, signal?: AbortSignal): Promise<void> {
  const until = Date.now() + waitMs;
  let held = false;
  for (;;) {
    held = held || (await tryLock(client, prismaLockKey));
    if (held && (await tryLock(client, scriptLockKey))) {
      await client.query("select pg_advisory_unlock($1)", [scriptLockKey]);
      return;
    }
    if (signal?.aborted || Date.now() >= until) throw await refusal(client, database, waitMs, signal?.aborted === true);
    await sleep(Math.min(pollMs, Math.max(1, until - Date.now())));
  }
}

/** Takes a session's advisory lock if it is free. */
export async function tryLock(client: pg.ClientBase, key: number): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>("select pg_try_advisory_lock($1) as taken", [key]);
  return rows[0]?.taken === true;
}

async function refusal(
  client: pg.Client,
  database: Database,
  waitMs: number,
  stopped: boolean,
): Promise<PipelineError> {
  const holders = await findHolders(client);
  const named = holders.map(describe).join("; ") || "a session that has just ended";
  const [first] = holders;
  return new PipelineError({
    code: "MIGRATION_RUNNING",
    kind: stopped ? "interrupted" : "refused",
    message: `Another migration of "${database.name}" is running: Prisma's lock was not free within ${waitMs} ms. It is held by ${named}.`,
    state: "Nothing was touched by this run.",
    next:
      first === undefined
        ? "Run the same command again."
        : `Wait for it, or end it with: select pg_terminate_backend(${first.pid}); then run the same command.`,
  });
}

async function findHolders(client: pg.Client): Promise<Holder[]> {
  // A bigint key is shown in two halves.
  const { rows } = await client.query<Holder>(
    `select ((l.classid::bigint << 32) | l.objid::bigint)::text as key, l.pid, coalesce(a.application_name, '') as application,
            a.usename as "user", host(a.client_addr) as address, a.state,
            coalesce(extract(epoch from now() - coalesce(a.query_start, a.backend_start)), 0)::int as seconds
       from pg_locks l left join pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'advisory' and l.objsubid = 1 and l.granted and l.pid <> pg_backend_pid()
        and l.database = (select oid from pg_database where datname = current_database())
        and ((l.classid::bigint << 32) | l.objid::bigint) in ($1, $2)`,
    [prismaLockKey, scriptLockKey],
  );
  return rows;
}

function describe({ key, pid, application, user, address, seconds, state }: Holder): string {
  const what = key === String(scriptLockKey) ? "still runs a migration's script" : (state ?? "state unknown");
  const who = application === "" ? "no application name" : `"${application}"`;
  return `process ${pid} (${who}, user ${user ?? "?"} from ${address ?? "the local socket"}, ${what}, for ${seconds} s)`;
}
