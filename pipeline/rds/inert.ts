import pg from "pg";
import { z } from "zod";
import { PipelineError, messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { inertParameters } from "./inertParameters.js";

const settingRows = z.array(z.strictObject({ name: z.string(), setting: z.string() }));

/** @throws PipelineError (`COPY_ACTS`, refused) where a server could act by itself, as another parameter group was put on it. */
export async function assertInert(client: pg.Client): Promise<void> {
  const { rows } = await client.query("SELECT name, setting FROM pg_settings WHERE name = ANY ($1)", [
    Object.keys(inertParameters),
  ]);
  const settings = new Map(settingRows.parse(rows).map(({ name, setting }) => [name, setting]));
  const workers = settings.get("max_logical_replication_workers");
  const modules = (settings.get("shared_preload_libraries") ?? "").split(/\s*,\s*/);
  if (workers === "0" && !modules.includes("pg_cron")) return;
  throw new PipelineError({
    code: "COPY_ACTS",
    kind: "failedUnchanged",
    message: `The copy could act by itself: its server has max_logical_replication_workers ${workers ?? "?"} and loads ${modules.join(", ")}.`,
    state: "The database was not changed; the copy is deleted.",
    next: "Its parameter group is made by npm run up, with both turned off: put back what was changed in it, then run the same command.",
  });
}

/** What in a database could be set to work by a migration, as an owner's statements that end it. */
const ending = `
  SELECT pg_get_userbyid(evtowner) AS owner, format('ALTER EVENT TRIGGER %I DISABLE', evtname) AS sql FROM pg_event_trigger
    WHERE evtenabled <> 'D' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_event_trigger'::regclass AND d.objid = pg_event_trigger.oid AND d.deptype = 'e')
  UNION ALL SELECT pg_get_userbyid(srvowner), format('DROP USER MAPPING FOR %s SERVER %I', CASE WHEN umuser = 0 THEN 'PUBLIC' ELSE quote_ident(usename) END, u.srvname)
    FROM pg_user_mappings u JOIN pg_foreign_server s ON s.oid = u.srvid
  UNION ALL SELECT pg_get_userbyid(subowner), format('ALTER SUBSCRIPTION %1$I DISABLE; ALTER SUBSCRIPTION %1$I SET (slot_name = NONE); DROP SUBSCRIPTION %1$I', subname)
    FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  UNION ALL SELECT owner::text, format('ROLLBACK PREPARED %L', gid) FROM pg_prepared_xacts WHERE database = current_database()`;

const endingRows = z.array(z.strictObject({ owner: z.string(), sql: z.string() }));

/**
 * Takes out of a copy what a migration could set to work there: event triggers, credentials of foreign servers, subscriptions (by
 * themselves: nothing is told to the publisher), prepared transactions.
 *
 * @throws PipelineError (`COPY_ACTS`) where one of them cannot be.
 */
export async function makeInert(client: pg.Client, log: Logger): Promise<void> {
  const { rows } = await client.query(ending);
  for (const { owner, sql } of endingRows.parse(rows)) {
    try {
      await client.query(`SET ROLE ${pg.escapeIdentifier(owner)}`);
      for (const statement of sql.split("; ")) await client.query(statement);
    } catch (error) {
      throw new PipelineError({
        code: "COPY_ACTS",
        kind: "failedUnchanged",
        message: `What could act from within the copy could not be ended there (${sql}, as ${owner}): ${messageOf(error)}.`,
        state: "The database was not changed; the copy is deleted.",
        next: `Let the pipeline's role act as its owner (GRANT ${pg.escapeIdentifier(owner)} TO the role, in the database), then run the same command.`,
      });
    } finally {
      await client.query("RESET ROLE").catch(() => undefined);
    }
    log.info(`not in the copy: ${sql}`);
  }
}
