import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { connect } from "../postgres/connection.js";
import { scriptLockKey, tryLock } from "./advisoryLock.js";
import { type Attempt, isFinished } from "./attempt.js";
import type { Session } from "./session.js";

/** What became of a transaction; `unknown`: the server could not be asked, or it is still at it. */
export type Fate = "committed" | "aborted" | "unknown";

/** A transaction and the server process that ran it. */
export interface TransactionId {
  readonly xid: string;
  readonly pid: number;
  /** The history row that the transaction finishes, if it has one. */
  readonly attempt: Attempt | undefined;
}

/** How long a server that went away is waited for. */
const patienceMs = 20_000;

/**
 * Rolls back and asks the server itself what became of the transaction; over a new connection if this one was lost.
 */
export async function fateOf(client: pg.Client, session: Session, transaction: TransactionId): Promise<Fate> {
  try {
    await client.query("rollback");
    return await ask(client, transaction);
  } catch {
    return fateAfterLoss(session, transaction);
  }
}

async function fateAfterLoss(session: Session, transaction: TransactionId): Promise<Fate> {
  const until = Date.now() + patienceMs;
  while (Date.now() < until) {
    try {
      const client = await connect(session.database, { applicationName: "safe-migration settle" });
      try {
        // The server may not have noticed yet that its client is gone.
        await client.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where pid = $1 and backend_xid::text = $2",
          [transaction.pid, String(BigInt(transaction.xid) % 4_294_967_296n)],
        );
        const fate = await askAfterLoss(client, transaction);
        if (fate !== "unknown") return fate;
      } finally {
        await client.end().catch(() => undefined);
      }
    } catch {
      // The server is starting again; asked once more until patience ends.
    }
    await sleep(250);
  }
  return "unknown";
}

/**
 * After a crash of the server a transaction's number may not have been written, and be given to another one; what the row says is
 * sure. The script's session holds a lock: while that is taken, the transaction may not have ended.
 */
async function askAfterLoss(client: pg.Client, transaction: TransactionId): Promise<Fate> {
  if (transaction.attempt === undefined) return ask(client, transaction);
  if (!(await tryLock(client, scriptLockKey))) return "unknown";
  return (await isFinished(client, transaction.attempt)) ? "committed" : "aborted";
}

async function ask(client: pg.Client, { xid }: TransactionId): Promise<Fate> {
  const { rows } = await client.query<{ status: string | null }>("select pg_xact_status($1::xid8) as status", [xid]);
  const status = rows[0]?.status;
  return status === "committed" || status === "aborted" ? status : "unknown";
}

/**
 * Until the returned function is called, an abort makes the server cancel what this connection is running; the query then fails
 * and is rolled back in the usual way.
 */
export function watchAbort(client: pg.Client, session: Session, signal: AbortSignal | undefined): () => Promise<void> {
  if (signal === undefined) return () => Promise.resolve();
  const pid: unknown = Reflect.get(client, "processID");
  let cancelling: Promise<void> | undefined;
  const onAbort = (): void => {
    cancelling = cancel(session, pid);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  return async () => {
    signal.removeEventListener("abort", onAbort);
    // A cancellation that is under way must not hit the rollback.
    await cancelling;
  };
}

async function cancel(session: Session, pid: unknown): Promise<void> {
  try {
    const client = await connect(session.database, { applicationName: "safe-migration cancel" });
    await client.query("select pg_cancel_backend($1)", [pid]);
    await client.end();
  } catch {
    // The server is gone, and with it what was to be cancelled.
  }
}
