import { z } from "zod";
import type { StageContext } from "../context.js";
import type { Database, DbSnapshot, RehearseRequest, SnapshotBackup } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { maintenanceDatabase, withClient } from "../postgres/connection.js";
import { assertEnvironment, assertSameDatabase, readIdentity } from "../postgres/identity.js";
import { rdsOf, withRds } from "../rds/client.js";
import { assertInert, makeInert } from "../rds/inert.js";
import {
  type Reached,
  beginFromSnapshot,
  completeInstance,
  discardCopy,
  likeOriginal,
  readOwnInstance,
  sweepCopies,
} from "../rds/instances.js";
import { copyName } from "../rds/names.js";
import { findSnapshot } from "../rds/snapshots.js";
import type { Manifest } from "../store/manifest.js";
import { type Copy, readLate } from "./copy.js";

const application = { applicationName: "safe-migration rehearse" };

/**
 * Brings a DB snapshot back as an instance of its own, which those who reach the original reach, and nobody else; nothing in it acts on
 * the world outside. It is deleted in the end; after a kill, by the next run. Nobody else may rehearse this database meanwhile.
 *
 * @throws PipelineError where the DB snapshot is gone, RDS refuses or takes too long.
 */
export async function withSnapshotCopy<T>(
  request: RehearseRequest,
  context: StageContext,
  { id, identity, physical }: Pick<Manifest, "id" | "identity"> & { readonly physical: SnapshotBackup },
  work: (copy: Copy) => Promise<T>,
): Promise<T> {
  const { database, environment, run, settings } = request;
  const { log, signal } = context;
  const { copyParameters } = rdsOf(environment, database);
  return withRds(physical, environment, signal, async (rds) => {
    await withClient(database, application, async (client) => {
      await assertEnvironment(client, environment);
      assertSameDatabase(identity, await readIdentity(client));
    });
    await sweepCopies(rds, log);
    const original = await readOwnInstance(rds);
    if ((await findSnapshot(rds, physical.identifier)) === undefined) throw snapshotGone(id, physical);
    const identifier = copyName(environment);
    const tags = { environment, instance: rds.instance, purpose: "rehearsal", backup: id, run } as const;
    const like = likeOriginal(original, {
      instanceClass: settings.rehearse.instanceClass,
      parameters: copyParameters,
      tags,
      backupDays: 0,
    });
    // Refused, there is none to be deleted.
    await beginFromSnapshot(rds, identifier, physical.identifier, like);
    try {
      log.info(`RDS restores DB snapshot ${physical.identifier} as instance ${identifier}`);
      const reached = await completeInstance(rds, identifier, {
        settings: settings.backup,
        log,
        share: [0.05, 0.6],
        signal,
        late: {
          state: "The database was not changed; the copy is deleted, by the next run if not by this one.",
          next: "A larger backup.rdsWaitMinutes waits longer. Then run the same command.",
        },
      });
      const copy = reachedAs(database, reached);
      await assertAnother(database, copy);
      return await work(await prepare(copy, request, physical, context));
    } finally {
      await discardCopy(rds, identifier, log);
    }
  });
}

/** The database of an instance that was restored, with the password that RDS gave it. */
export function reachedAs(database: Database, { endpoint, secret }: Reached): Database {
  const { rds: _rds, ...like } = database;
  return { ...like, ...endpoint, password: { from: "secretsManager", arn: secret } };
}

async function prepare(
  copy: Database,
  { environment }: RehearseRequest,
  { snapshot }: SnapshotBackup,
  { log }: StageContext,
): Promise<Copy> {
  // Before anything is written to it, which would be among what is looked for.
  const late = await withClient(copy, { ...application, database: maintenanceDatabase }, async (client) => {
    await assertInert(client);
    return readLate(client, snapshot);
  });
  await withClient(copy, application, async (client) => {
    await assertEnvironment(client, environment);
    await makeInert(client, log);
  });
  return { database: copy, late };
}

const startRow = z.tuple([z.strictObject({ started: z.string() })]);

/**
 * A copy has all that the original is known by, its system identifier too; but it is another server, which was started at another time.
 *
 * @throws PipelineError (`COPY_IS_ORIGINAL`) where it is the original after all.
 */
export async function assertAnother(original: Database, copy: Database): Promise<void> {
  const startOf = (database: Database) =>
    withClient(database, { ...application, database: maintenanceDatabase }, async (client) => {
      const { rows } = await client.query("SELECT pg_postmaster_start_time()::text AS started");
      return startRow.parse(rows)[0].started;
    });
  const samePlace = original.host === copy.host && original.port === copy.port;
  if (!samePlace && (await startOf(original)) !== (await startOf(copy))) return;
  throw new PipelineError({
    code: "COPY_IS_ORIGINAL",
    kind: "failedUnchanged",
    message: `What RDS says to be the copy (${copy.host}:${copy.port}) is the server of the original.`,
    state: "The database was not changed.",
    next: "Look at both instances in RDS's console; then run the same command.",
  });
}

/** The DB snapshot of a backup is not there any more. */
export function snapshotGone(id: string, { identifier, region, taken }: DbSnapshot): PipelineError {
  return new PipelineError({
    code: "SNAPSHOT_GONE",
    kind: "refused",
    message: `DB snapshot ${identifier}, of backup ${id} (${taken}), is not in RDS in ${region} any more: somebody has deleted it.`,
    state: "Nothing was touched.",
    next: "Take another backup (npm run db:restore -- --list), or any moment that RDS keeps (npm run db:restore:checkpoint -- --at TIME).",
  });
}
