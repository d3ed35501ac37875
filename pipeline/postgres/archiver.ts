import type pg from "pg";
import { z } from "zod";
import { PipelineError } from "../errors.js";

/** How a server archives its log (WAL), on which standbys and point-in-time recovery live. */
export interface Archiver {
  readonly archiving: boolean;
  /** The last attempt failed, and none succeeded since. */
  readonly failing: boolean;
  /** The segment that failed, and when. */
  readonly failed: string | null;
  readonly lastFailed: string | null;
  readonly lastArchived: string | null;
  /** More was written since the last segment was archived, ten minutes ago or longer. */
  readonly behind: boolean;
}

const archiverRow = z.strictObject({
  archiving: z.boolean(),
  failing: z.boolean(),
  failed: z.string().nullable(),
  lastFailed: z.string().nullable(),
  lastArchived: z.string().nullable(),
  behind: z.boolean(),
});

export async function readArchiver(client: pg.ClientBase): Promise<Archiver> {
  const { rows } = await client.query(
    `SELECT current_setting('archive_mode') <> 'off' AS archiving, a.last_failed_wal AS failed,
            coalesce(a.last_failed_time > coalesce(a.last_archived_time, '-infinity'), false) AS failing,
            a.last_failed_time::text AS "lastFailed", a.last_archived_time::text AS "lastArchived",
            CASE WHEN NOT pg_is_in_recovery() AND a.last_archived_wal ~ '^[0-9A-F]{24}$' THEN
              (SELECT pg_walfile_name(pg_current_wal_lsn()) > a.last_archived_wal
                 AND a.last_archived_time < clock_timestamp() - interval '10 minutes') ELSE false END AS behind
       FROM pg_stat_archiver a`,
  );
  return z.tuple([archiverRow]).parse(rows)[0];
}

/** What a failing archiver means, as a clause. */
export function describeFailing({ failed, lastFailed, lastArchived }: Archiver): string {
  return `the log is not archived: ${failed ?? "?"} failed at ${lastFailed ?? "?"}, the last that was archived: ${lastArchived ?? "none"}; nothing later can be recovered to, and the disk fills`;
}

/** What mends it. */
export const failingRemedy =
  "The server's log has archive_command's own words. Mend it; the server tries again by itself.";

/**
 * Holds a run to a log that is archived, where the server archives at all: a restore point is worth nothing that never leaves the
 * machine.
 *
 * @param policy `preflight.archive` of the configuration.
 * @returns what is to be warned of.
 * @throws PipelineError (`ARCHIVE_FAILING`, refused)
 */
export function assertArchiving(archiver: Archiver, policy: "refuse" | "warn"): string[] {
  if (!archiver.archiving || !archiver.failing)
    return archiver.archiving && archiver.behind
      ? [`the log was last archived at ${archiver.lastArchived ?? "?"}, and more has been written since`]
      : [];
  if (policy === "warn") return [describeFailing(archiver)];
  throw new PipelineError({
    code: "ARCHIVE_FAILING",
    kind: "refused",
    message: `On the server ${describeFailing(archiver)}.`,
    state: "Nothing was touched.",
    next: `${failingRemedy} Then run the same command; or accept it with preflight.archive: warn.`,
  });
}
