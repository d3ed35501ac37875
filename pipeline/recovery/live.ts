import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Database, Identity } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { describeFailing, readArchiver } from "../postgres/archiver.js";
import { maintenanceDatabase, withClient } from "../postgres/connection.js";
import { readIdentity } from "../postgres/identity.js";
import type { Purpose } from "./besideServer.js";

/** How long the archive is waited for, in milliseconds. */
const patienceMs = 120_000;
const maintenance = { database: maintenanceDatabase, applicationName: "safe-migration recovery" };

/** What a second server on the same files has to be told as the first one is. */
const likeTheOriginal = ["max_connections", "max_prepared_transactions", "max_locks_per_transaction"] as const;
/** What decides, beside, how long work on tables takes there. */
const likeTheOriginalAtWork = [
  "effective_io_concurrency",
  "maintenance_io_concurrency",
  "maintenance_work_mem",
  "max_parallel_maintenance_workers",
  "max_parallel_workers",
  "max_parallel_workers_per_gather",
  "max_wal_size",
  "random_page_cost",
  "synchronous_commit",
  "wal_compression",
  "work_mem",
] as const;

export interface LiveServer {
  readonly identity: Identity;
  /** By its clock. */
  readonly now: Date;
  readonly major: number;
  /** Of all its databases, in bytes. */
  readonly bytes: number;
  /** Of the one that is recovered; 0 where it is not there any more. */
  readonly databaseBytes: number;
  readonly settings: Readonly<Record<string, string>>;
}

const liveRow = z.strictObject({
  now: z.date(),
  version: z.int(),
  bytes: z.coerce.number(),
  databaseBytes: z.coerce.number(),
});

/**
 * The server whose database is recovered, as it is now.
 *
 * @param purpose what a second server on its files is for
 */
export async function readLive(database: Database, purpose: Purpose = "read"): Promise<LiveServer> {
  return withClient(database, maintenance, async (client) => {
    const { rows } = await client.query(
      `SELECT clock_timestamp() AS now, current_setting('server_version_num')::int / 10000 AS version,
         sum(pg_database_size(oid))::text AS bytes,
         coalesce(sum(pg_database_size(oid)) FILTER (WHERE datname = $1), 0)::text AS "databaseBytes" FROM pg_database`,
      [database.name],
    );
    const [{ now, version, bytes, databaseBytes }] = z.tuple([liveRow]).parse(rows);
    const { rows: settings } = await client.query<{ name: string; setting: string }>(
      "SELECT name, setting FROM pg_settings WHERE name = ANY ($1)",
      [purpose === "read" ? likeTheOriginal : [...likeTheOriginal, ...likeTheOriginalAtWork]],
    );
    return {
      identity: await readIdentity(client),
      now,
      major: version,
      bytes,
      databaseBytes,
      settings: Object.fromEntries(settings.map(({ name, setting }) => [name, setting])),
    };
  });
}

/**
 * Has everything that was written up to now archived. A transaction is committed first: the recovery of a moment ends at the first
 * one after it, and finds no end where nothing was written since.
 *
 * @throws PipelineError where the server does not archive its log, or not in time.
 */
export async function archiveUpToNow(database: Database, signal: AbortSignal): Promise<void> {
  await withClient(database, maintenance, async (client) => {
    await client.query("SELECT pg_current_xact_id()");
    const { rows } = await client.query<{ wal: string }>("SELECT pg_walfile_name(pg_current_wal_insert_lsn()) AS wal");
    await client.query("SELECT pg_switch_wal()");
    const deadline = Date.now() + patienceMs;
    for (;;) {
      signal.throwIfAborted();
      const archived = await client.query<{ done: boolean }>(
        "SELECT coalesce(last_archived_wal >= $1, false) AS done FROM pg_stat_archiver",
        [rows[0]?.wal],
      );
      if (archived.rows[0]?.done === true) return;
      const archiver = await readArchiver(client);
      if (!archiver.archiving) throw notArchived("archive_mode is off");
      if (Date.now() > deadline)
        throw notArchived(
          archiver.failing ? describeFailing(archiver) : `${rows[0]?.wal ?? "?"} is not there after ${patienceMs} ms`,
        );
      await sleep(200);
    }
  });
}

function notArchived(reason: string): PipelineError {
  return new PipelineError({
    code: "ARCHIVE_BEHIND",
    kind: "refused",
    message: `The server's newest changes do not get to its archive: ${reason}.`,
    state: "Nothing was touched.",
    next: "Mend archive_command (the server's log has its words), then run the same command.",
  });
}
