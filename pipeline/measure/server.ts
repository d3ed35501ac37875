import type pg from "pg";
import { z } from "zod";
import type { ServerFigures } from "../contracts.js";
import { compareHistory, isProvedUnchanged, isResumable, readHistory } from "../prisma/history.js";
import type { MigrationsFolder } from "../prisma/migrations.js";
import type { PrismaSchema } from "../prisma/schema.js";

const figures = z.tuple([
  z.strictObject({
    used: z.coerce.number(),
    of: z.coerce.number(),
    lag: z.coerce.number().nullable(),
    archives: z.boolean(),
  }),
]);
const wait = z.tuple([z.strictObject({ seconds: z.coerce.number() })]);

/** Reads what the server says of itself, and how the database's history stands to the folder's migrations. */
export async function readServer(
  client: pg.Client,
  folder: MigrationsFolder,
  schema: PrismaSchema,
): Promise<ServerFigures> {
  const { rows } = await client.query(
    `SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
            current_setting('max_connections') AS of,
            (SELECT max(extract(epoch FROM replay_lag)) FROM pg_stat_replication) AS lag,
            current_setting('archive_mode') <> 'off'
              AND has_function_privilege('pg_ls_archive_statusdir()', 'EXECUTE') AS archives`,
  );
  const [{ used, of, lag, archives }] = figures.parse(rows);
  const history = compareHistory(folder, await readHistory(client, schema));
  const failed = history.failed.filter((row) => !isProvedUnchanged(row) && !isResumable(row, folder));
  return {
    connections: { used, of },
    ...(archives ? { archiveWaitSeconds: await archiveWait(client) } : {}),
    ...(lag === null ? {} : { replicaLagSeconds: lag }),
    migrations: { applied: history.applied.length, pending: history.pending.length, failed: failed.length },
  };
}

/** A finished segment has a file `.ready` until it is archived (PostgreSQL, "Continuous Archiving"). */
async function archiveWait(client: pg.Client): Promise<number> {
  const { rows } = await client.query(
    `SELECT greatest(0, coalesce(round(extract(epoch FROM clock_timestamp() - min(modification))), 0)) AS seconds
       FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'`,
  );
  const [{ seconds }] = wait.parse(rows);
  return seconds;
}
