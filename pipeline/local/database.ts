import { realpath } from "node:fs/promises";
import pg from "pg";
import type { StageContext } from "../context.js";
import type { Database } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { maintenanceDatabase, withClient } from "../postgres/connection.js";
import { markEnvironment } from "../postgres/identity.js";
import { databaseOf, type LocalCluster } from "./cluster.js";
import { withDirectoryLock } from "./lock.js";
import { passfilePath } from "./passfile.js";
import { localHost } from "./port.js";
import { superuser } from "./initialise.js";
import { readRecord, recordPath, writeRecord } from "./record.js";
import { createDatabase, ensureRole } from "./role.js";

export interface DatabaseOptions extends StageContext {
  readonly name: string;
  /** The application's role, which owns the database and what migrations make in it. */
  readonly owner: string;
  /** Name of the environment, which the database is marked with. */
  readonly environment: string;
}

/**
 * The application's database in a local cluster, made on the first call with the role that owns it.
 *
 * @throws PipelineError `DATABASE_GONE` for one that was made before and is not there: an empty one in its place would
 * look healthy.
 */
export async function ensureDatabase(cluster: LocalCluster, options: DatabaseOptions): Promise<Database> {
  const { name, owner, environment } = options;
  return withDirectoryLock(cluster.directory, options, async () => {
    const maintenance = databaseOf(cluster, maintenanceDatabase);
    await withClient(maintenance, { applicationName: "safe-migration local" }, async (client) => {
      const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = $1", [name]);
      const record = await readRecord(cluster.directory);
      const madeAt = record?.databases[name]?.madeAt;
      if (rowCount === 0 && madeAt !== undefined) throw gone(cluster, name, madeAt);
      await ensureRole(client, cluster, owner);
      if (rowCount === 0) {
        options.log.info(`Making the database "${name}", owned by "${owner}".`);
        await createDatabase(client, name, { owner });
      }
      if (rowCount === 0 || madeAt === undefined) await mark(client, name, environment);
      // Written last: what is interrupted before is marked again, and what is here is sure to have been there whole.
      if (record !== undefined && madeAt === undefined) {
        const made = { owner, environment, madeAt: new Date().toISOString() };
        await writeRecord(cluster.directory, { ...record, databases: { ...record.databases, [name]: made } });
      }
    });
    return databaseOf(cluster, name, owner);
  });
}

/**
 * A database that {@link ensureDatabase} made, for commands that use it and start nothing.
 *
 * @param directory of the cluster, as given to `ensureCluster`
 * @throws PipelineError `NO_LOCAL_DATABASE` where it was never made, `WRONG_ENVIRONMENT` where it is another environment's.
 */
export async function localDatabase(
  directory: string,
  { name, owner, environment }: { name: string; owner: string; environment: string },
): Promise<Database> {
  const record = await readRecord(directory);
  const made = record?.databases[name];
  if (record === undefined || made === undefined) throw neverMade(directory, name);
  if (made.environment !== environment) throw otherEnvironment(directory, name, made.environment, environment);
  const real = await realpath(directory);
  return databaseOf({ host: localHost, port: record.port, user: superuser, passfile: passfilePath(real) }, name, owner);
}

async function mark(client: pg.Client, name: string, environment: string): Promise<void> {
  await markEnvironment(client, name, environment);
  // By default every role of the cluster may connect to every database.
  await client.query(`REVOKE CONNECT, TEMPORARY ON DATABASE ${pg.escapeIdentifier(name)} FROM PUBLIC`);
}

function neverMade(directory: string, name: string): PipelineError {
  return new PipelineError({
    code: "NO_LOCAL_DATABASE",
    kind: "refused",
    message: `There is no local database "${name}": ${recordPath(directory)} does not name it.`,
    state: "Nothing was touched.",
    next: "npm start makes it.",
  });
}

function otherEnvironment(directory: string, name: string, its: string, wanted: string): PipelineError {
  return new PipelineError({
    code: "WRONG_ENVIRONMENT",
    kind: "refused",
    message: `The database "${name}" of ${directory} was made for "${its}", and this command is meant for "${wanted}".`,
    state: "Nothing was touched.",
    next: `Run the command for "${its}", or configure another database for "${wanted}".`,
  });
}

function gone(cluster: LocalCluster, name: string, madeAt: string): PipelineError {
  return new PipelineError({
    code: "DATABASE_GONE",
    kind: "refused",
    message: `The database "${name}", made at ${madeAt}, is not in the local cluster (${cluster.host}:${cluster.port}) any more.`,
    state: "Nothing was changed, and no empty database was made in its place.",
    next: `npm run db:restore puts the newest backup back. To begin anew: remove "${name}" from ${recordPath(cluster.directory)}, then npm start`,
  });
}
