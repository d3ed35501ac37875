import pg from "pg";
import { type Session, sessionConfig } from "../prisma/session.js";

/**
 * Does something in a transaction of a session of its own, and rolls it back, whatever becomes of it. An abort ends the session,
 * and is what is thrown then.
 */
export async function inTrialTransaction<T>(
  session: Session,
  signal: AbortSignal,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(await sessionConfig(session, "safe-migration trial"));
  client.on("error", () => undefined);
  await client.connect();
  const stop = () => void client.end().catch(() => undefined);
  signal.addEventListener("abort", stop, { once: true });
  try {
    await client.query("BEGIN");
    return await work(client);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
    await client.query("ROLLBACK").catch(() => undefined);
    await client.end().catch(() => undefined);
  }
}
