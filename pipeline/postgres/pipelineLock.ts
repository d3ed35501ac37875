import pg from "pg";
import { z } from "zod";
import type { Database } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { connect, maintenanceDatabase } from "./connection.js";

/** First half of the advisory lock's key, so that it is nobody else's: "smig" in ASCII. */
const lockClass = 0x73_6d_69_67;

/** The lock while it is held. */
export interface PipelineLock {
  /** @throws PipelineError if the session that holds it was lost, so that somebody else may have it now. */
  assertHeld(): void;
}

/**
 * Runs `work` while no other stage that writes works on the same database of the cluster, from wherever it is run. The lock
 * is a session's in the maintenance database: it outlives renames, and ends with this process, however that ends.
 *
 * @throws PipelineError naming who holds it; it is not waited for.
 */
export async function withPipelineLock<T>(
  database: Database,
  stage: string,
  work: (lock: PipelineLock) => Promise<T>,
): Promise<T> {
  const applicationName = `safe-migration ${stage}`;
  const client = await connect(database, { database: maintenanceDatabase, applicationName });
  let lost = false;
  client.once("end", () => (lost = true));
  try {
    // Whatever the role's defaults say, this session lives as long as the stage.
    await client.query(
      `SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('idle_session_timeout', 'statement_timeout')`,
    );
    const { rows } = await client.query("SELECT pg_try_advisory_lock($1, hashtext($2)) AS held", [
      lockClass,
      database.name,
    ]);
    const [{ held }] = z.tuple([z.object({ held: z.boolean() })]).parse(rows);
    if (!held) throw await heldByOther(client, database, stage);
    return await work({
      assertHeld() {
        if (lost) throw lockLost(database, stage);
      },
    });
  } finally {
    await client.end().catch(() => undefined);
  }
}

const holderRows = z.array(
  z.strictObject({ pid: z.int(), role: z.string(), application: z.string(), from: z.string(), since: z.string() }),
);

async function heldByOther(client: pg.Client, database: Database, stage: string): Promise<PipelineError> {
  const { rows } = await client.query(
    `SELECT a.pid, coalesce(a.usename, '?') AS role, coalesce(a.application_name, '') AS application,
       coalesce(host(a.client_addr), 'this host') AS "from", to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS TZ') AS since
     FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
       AND l.classid = $1::oid AND l.objid::bigint = hashtext($2)::bigint & 4294967295`,
    [lockClass, database.name],
  );
  const [holder] = holderRows.parse(rows);
  const who =
    holder === undefined
      ? "a session that has ended since"
      : `pid ${holder.pid} (${holder.application}, role ${holder.role}, from ${holder.from}, since ${holder.since})`;
  return new PipelineError({
    code: "PIPELINE_LOCKED",
    kind: "refused",
    message: `${stage} cannot start: another stage works on database "${database.name}": ${who}.`,
    state: "Nothing was touched.",
    next: `Wait until it has ended, then run the same command${holder === undefined ? "" : `; if it hangs: SELECT pg_terminate_backend(${holder.pid});`}`,
  });
}

function lockLost(database: Database, stage: string): PipelineError {
  return new PipelineError({
    code: "PIPELINE_LOCK_LOST",
    kind: "failedUnchanged",
    message: `${stage}: the session that kept others off database "${database.name}" was ended (server restarted, or ended by hand).`,
    state: "The database was not changed.",
    next: "Run the same command again.",
  });
}
