import { statfs } from "node:fs/promises";
import pg from "pg";
import { z } from "zod";
import type { Database, Identity } from "../contracts.js";
import { PipelineError } from "../errors.js";
import type { Logger } from "../log.js";
import { maintenanceDatabase, withClient } from "./connection.js";
import { listOwnTables } from "./fingerprintCatalogue.js";
import { assertEnvironment, readIdentity } from "./identity.js";
import { majorOf } from "./version.js";

function refuse(code: string, message: string, next: string): PipelineError {
  return new PipelineError({ code, kind: "refused", message, state: "Nothing was touched.", next });
}

/** The maintenance database is where restores are done from; it cannot be renamed from within. */
export function assertNotMaintenance(name: string): void {
  if (name === maintenanceDatabase)
    throw refuse(
      "MAINTENANCE_DATABASE",
      `"${name}" is the cluster's maintenance database: it cannot be swapped for a restored one.`,
      "Keep the application's data in a database of its own.",
    );
}

/** @throws PipelineError if the backup is of a newer server: its dump may hold what this one does not know. */
export function assertNotNewer(backup: Identity, server: Identity): void {
  if (majorOf(backup.serverVersion) <= majorOf(server.serverVersion)) return;
  throw refuse(
    "BACKUP_NEWER",
    `The backup is of PostgreSQL ${backup.serverVersion}; this server is ${server.serverVersion}, which is older.`,
    "Restore it on a server of that version or newer.",
  );
}

/** @throws PipelineError where the environment's database, which stays as it is, is marked as another environment's. */
export async function assertOwnEnvironment(database: Database, environment: string): Promise<void> {
  await withClient(database, { applicationName: "safe-migration restore" }, (client) =>
    assertEnvironment(client, environment),
  );
}

/**
 * Whether the database that is there is the one that was backed up. Another one gives way only where it holds no table, as in
 * a cluster that was set up anew after a loss.
 *
 * @throws PipelineError where a backup would take the place of another database's data.
 */
export async function assertReplaceable(database: Database, environment: string, backup: Identity, log: Logger) {
  const here = await withClient(database, { applicationName: "safe-migration restore" }, async (client) => {
    await assertEnvironment(client, environment);
    return { identity: await readIdentity(client), tables: (await listOwnTables(client)).length };
  });
  const same = here.identity.systemIdentifier === backup.systemIdentifier && here.identity.database === backup.database;
  if (same) return;
  const was = `database "${backup.database}" of cluster ${backup.systemIdentifier}`;
  const is = `"${here.identity.database}" of cluster ${here.identity.systemIdentifier}`;
  if (here.tables > 0)
    throw refuse(
      "OTHER_DATABASE",
      `The backup is of ${was}; ${is} is another database, and holds ${here.tables} tables.`,
      `Point the configuration at the right database. If this one is meant to be replaced, rename it first: ` +
        `ALTER DATABASE ${pg.escapeIdentifier(database.name)} RENAME TO …; then run the same command.`,
    );
  log.warn(`the backup is of ${was}; ${is} holds no table and is replaced`);
}

/** What ties a database to its name, so that the rename would break it or be refused. */
export async function assertUntied(client: pg.ClientBase, name: string): Promise<void> {
  const { rows } = await client.query(
    `SELECT format('prepared transaction %L (ROLLBACK PREPARED or COMMIT PREPARED it)', gid) AS tie
       FROM pg_prepared_xacts WHERE database = $1
     UNION ALL SELECT format('replication slot %I (stop its consumer and pg_drop_replication_slot it)', slot_name)
       FROM pg_replication_slots WHERE database = $1
     UNION ALL SELECT format('subscription %I (ALTER SUBSCRIPTION … DISABLE it)', s.subname)
       FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = $1 AND s.subenabled`,
    [name],
  );
  const ties = z.array(z.strictObject({ tie: z.string() })).parse(rows);
  if (ties.length === 0) return;
  throw refuse(
    "DATABASE_TIED",
    `Database "${name}" cannot be put aside while it has: ${ties.map(({ tie }) => tie).join("; ")}.`,
    "Do what is said in brackets, then run the same command.",
  );
}

/** @throws PipelineError naming the right that the role lacks for making and renaming databases. */
export async function assertMayReplace(client: pg.ClientBase, name: string, owner: string): Promise<void> {
  const { rows } = await client.query(
    `SELECT current_user::text AS me, r.rolsuper AS super, r.rolcreatedb AS creates,
       coalesce((SELECT pg_has_role(current_user, d.datdba, 'MEMBER') FROM pg_database d WHERE d.datname = $1), true)
         AS owns_old,
       pg_has_role(current_user, $2::name, 'MEMBER') AS owns_new
     FROM pg_roles r WHERE r.rolname = current_user`,
    [name, owner],
  );
  const [row] = z
    .tuple([
      z.strictObject({
        me: z.string(),
        super: z.boolean(),
        creates: z.boolean(),
        owns_old: z.boolean(),
        owns_new: z.boolean(),
      }),
    ])
    .parse(rows);
  if (row.super) return;
  const me = pg.escapeIdentifier(row.me);
  const lacks = [
    ...(row.creates ? [] : [`ALTER ROLE ${me} CREATEDB;`]),
    ...(row.owns_old ? [] : [`GRANT (the owner of "${name}") TO ${me};`]),
    ...(row.owns_new ? [] : [`GRANT ${pg.escapeIdentifier(owner)} TO ${me};`]),
  ];
  if (lacks.length === 0) return;
  throw refuse(
    "RIGHTS",
    `Role "${row.me}" may not replace database "${name}": it must be able to make databases and act as their owner.`,
    `As a superuser: ${lacks.join(" ")} Then run the same command.`,
  );
}

/** Room that a copy of a database of this size takes while it is loaded, in bytes. */
export function roomForCopy(databaseBytes: number): number {
  return Math.ceil(databaseBytes * 1.1);
}

/** Why a rehearsal needs room, as a clause. */
export const rehearsalNeedsRoom =
  "the rehearsal restores a copy beside the database (rehearse.mode: pending or never does without)";

/**
 * Where the server's data is on this machine, whether it has room for a copy; elsewhere that cannot be known.
 *
 * @param why what needs the room, as a clause.
 */
export async function assertRoom(
  client: pg.ClientBase,
  database: Pick<Database, "host">,
  bytes: number,
  why: string,
  log: Logger,
): Promise<void> {
  const free = await freeBytes(client, database);
  if (free === undefined) {
    log.debug("the server's disk cannot be looked at from here; its free space is not checked");
    return;
  }
  if (free >= bytes) return;
  const mb = (number: number) => `${Math.ceil(number / 1_048_576)} MB`;
  throw refuse(
    "DISK_SPACE",
    `The server's disk has ${mb(free)} free; ${why} and needs ${mb(bytes)}.`,
    "Free space there (earlier databases named …_before_… are kept until dropped), then run the same command.",
  );
}

async function freeBytes(client: pg.ClientBase, { host }: Pick<Database, "host">): Promise<number | undefined> {
  if (!host.startsWith("/") && !["localhost", "127.0.0.1", "::1"].includes(host)) return undefined;
  try {
    const { rows } = await client.query("SELECT current_setting('data_directory') AS directory");
    const [{ directory }] = z.tuple([z.object({ directory: z.string() })]).parse(rows);
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch {
    // Neither the setting nor the folder is everybody's to see; a full disk then ends pg_restore, and the original stays.
    return undefined;
  }
}
