import type pg from "pg";
import { z } from "zod";
import type { StageContext } from "../context.js";
import type { ArchivedBackup, Database, RehearseRequest } from "../contracts.js";
import type { Logger } from "../log.js";
import { maintenanceDatabase, withClient } from "../postgres/connection.js";
import { assertEnvironment, assertSameDatabase } from "../postgres/identity.js";
import type { Manifest } from "../store/manifest.js";
import { halfwayRoot, makeHalfway } from "../store/s3/halfway.js";
import { readBaseBackups } from "./archive.js";
import { assertRoomBeside, withServerBeside } from "./beside.js";
import { baseOf } from "./goal.js";
import { readLive } from "./live.js";
import { currentSnapshot, readCommitted } from "./point.js";
import { parseSnapshot, unseen } from "./snapshots.js";

const application = { applicationName: "safe-migration rehearse" };

/** A database that came back from base backup and log, on a server of its own beside the original. */
export interface Copy {
  readonly database: Database;
  /** Transactions that are in it although the backup's snapshot did not see them. */
  readonly late: readonly string[];
}

/** Folder in which a copy of the server's files is made for a rehearsal. */
export function rehearsalFolder({ rehearse: { folder } }: RehearseRequest["settings"]): string {
  return halfwayRoot(folder === "" ? undefined : folder);
}

/** Whether that folder has room for it. @throws PipelineError (refused) */
export function assertRoomToRehearse(settings: RehearseRequest["settings"], serverBytes: number): Promise<void> {
  return assertRoomBeside({
    root: rehearsalFolder(settings),
    serverBytes,
    why: "the rehearsal recovers the server beside",
    remedy: "name a folder on another volume (rehearse.folder)",
  });
}

/**
 * Brings a physical backup back beside the server, up to its restore point, with nothing in it that acts on the world outside.
 *
 * @throws PipelineError where the archive does not lead there, the folder has no room, or it does not recover.
 */
export async function withCopy<T>(
  request: RehearseRequest,
  context: StageContext,
  { identity, physical }: Pick<Manifest, "identity"> & { readonly physical: ArchivedBackup },
  work: (copy: Copy) => Promise<T>,
): Promise<T> {
  const { database, environment, settings } = request;
  const { restorePoint, stanza, snapshot } = physical;
  await withClient(database, application, (client) => assertEnvironment(client, environment));
  const live = await readLive(database, "work");
  assertSameDatabase(identity, { ...live.identity, database: database.name });
  const goal = { to: "point", restorePoint } as const;
  const base = baseOf(goal, await readBaseBackups(stanza, context.signal), live.now);
  await assertRoomToRehearse(settings, Math.max(live.bytes, base.bytes));
  const halfway = await makeHalfway(rehearsalFolder(settings), "recovery");
  try {
    const beside = { database, stanza, live, goal, base, folder: halfway.directory, purpose: "work" } as const;
    return await withServerBeside(beside, context, async (server) => {
      const { archive: _archive, tls: _tls, ...like } = database;
      const copy: Database = { ...like, ...server.database, name: database.name };
      // Before anything is written to it, which would be among what is looked for.
      const late = await withClient(copy, { ...application, database: maintenanceDatabase }, (client) =>
        readLate(client, snapshot),
      );
      await withClient(copy, application, (client) => makeInert(client, context.log));
      return await work({ database: copy, late });
    });
  } finally {
    await halfway.remove();
  }
}

/** What is committed in the copy and was not seen by the snapshot. */
export async function readLate(client: pg.Client, snapshot: string): Promise<string[]> {
  return readCommitted(client, unseen(parseSnapshot(snapshot), parseSnapshot(await currentSnapshot(client))));
}

/**
 * Takes out of the copy what a migration could set to work, or would wait for: subscriptions (to drop one is told to the publisher, which
 * then drops the original's slot), the credentials of foreign servers, and transactions that were prepared and hold their locks.
 */
async function makeInert(client: pg.Client, log: Logger): Promise<void> {
  await client.query("SET allow_system_table_mods = on");
  // Through their own commands, some of these would go to the other side.
  for (const table of ["pg_subscription_rel", "pg_subscription", "pg_user_mapping"])
    await client.query(`DELETE FROM pg_catalog.${table}`);
  const { rows } = await client.query(
    "SELECT format('ROLLBACK PREPARED %L', gid) AS sql FROM pg_prepared_xacts WHERE database = current_database()",
  );
  for (const { sql } of z.array(z.strictObject({ sql: z.string() })).parse(rows)) await client.query(sql);
  if (rows.length > 0) log.warn(`${rows.length} prepared transaction(s) of the original are not in the copy`);
}
