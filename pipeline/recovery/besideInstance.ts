import type { StageContext } from "../context.js";
import type { Database, DbSnapshot, RestoreRequest, RestoredInstance } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { maintenanceDatabase, withClient } from "../postgres/connection.js";
import { fingerprintDatabase } from "../postgres/fingerprint.js";
import type { Fingerprints } from "../postgres/fingerprints.js";
import { assertEnvironment, readIdentity } from "../postgres/identity.js";
import { type Rds, rdsOf, withRds } from "../rds/client.js";
import { assertInert } from "../rds/inert.js";
import * as instances from "../rds/instances.js";
import { besideName } from "../rds/names.js";
import { findSnapshot } from "../rds/snapshots.js";
import { assertRestorableAt, readRestorable } from "../rds/window.js";
import { assertKnownDatabase } from "../store/knownDatabase.js";
import type { Manifest } from "../store/manifest.js";
import { openStore } from "../store/open.js";
import { assertOursIfThere } from "../store/ourDatabase.js";
import { besideSteps } from "./besideSteps.js";
import { assertAnother, reachedAs, snapshotGone } from "./snapshotCopy.js";

const application = { applicationName: "safe-migration restore" };

/** A DB snapshot, and the backup that it is or was made beside. */
export interface SnapshotSource {
  readonly manifest: Manifest;
  readonly snapshot: DbSnapshot;
  /** Of one that is the backup: the snapshot of its fingerprints, as `pg_current_snapshot()` prints it. */
  readonly seen?: string;
}

/** What an instance is restored from. */
export type BesideSource = { readonly at: Date } | SnapshotSource;

/** An instance that stands beside the environment's own, and its database. */
export interface Beside {
  readonly instance: RestoredInstance;
  readonly database: Database;
  readonly fingerprints: Fingerprints;
}

/**
 * Restores a moment or a DB snapshot as an instance beside the environment's own, which stays as it is, and reads every table there. An
 * instance that an earlier call has begun is gone on with. It stays; nothing here deletes it.
 *
 * @throws PipelineError where RDS cannot restore that, refuses or takes too long, or what came back is another environment's.
 */
export async function restoreBeside(
  request: RestoreRequest,
  context: StageContext,
  source: BesideSource,
): Promise<Beside> {
  const { database, environment } = request;
  const { log, signal } = context;
  const place = rdsOf(environment, database);
  return withRds(place, environment, signal, async (rds) => {
    await assertOursIfThere(request, application);
    const original = await instances.readOwnInstance(rds);
    const of = "at" in source ? { at: source.at } : { snapshot: source.snapshot.identifier };
    const identifier = besideName(environment, of);
    const found = await findBegun(rds, identifier);
    if (found) log.info(`instance ${identifier} is there already, made by an earlier run; it is gone on with`);
    else await begin(rds, request, source, original, identifier, place.copyParameters, context);
    const reached = await instances.completeInstance(rds, identifier, {
      settings: request.settings.backup,
      log,
      share: [0.02, 0.7],
      signal,
      late: {
        state: `The database is as it was; instance ${identifier} is still being made.`,
        next: "The same command goes on waiting for it.",
      },
    });
    const copy = reachedAs(database, reached);
    await assertAnother(database, copy);
    await assertComeBack(request, copy);
    const fingerprints = await fingerprintDatabase(copy, {
      jobs: request.settings.backup.jobs,
      ...("at" in source ? {} : ofSame(source.manifest.fingerprints)),
      log,
      signal,
      onProgress: (fraction, table) => log.progress(`fingerprint of ${table}`, 0.7 + fraction * 0.25),
    });
    const steps = besideSteps({ rds, environment, original, restored: reached, database: database.name });
    const instance = { identifier, ...copyPlace(copy), secret: reached.secret, found, steps };
    return { instance, database: copy, fingerprints };
  });
}

function ofSame({ image, algorithm }: Fingerprints): Pick<Fingerprints, "image" | "algorithm"> {
  return { image, algorithm };
}

function copyPlace({ host, port }: Database) {
  return { host, port };
}

/** Whether it was begun by an earlier run. @throws PipelineError where somebody else has an instance of that name. */
async function findBegun(rds: Rds, identifier: string): Promise<boolean> {
  const there = await instances.findInstance(rds, identifier);
  if (there === undefined) return false;
  const { tags } = there;
  if (tags.environment === rds.environment && tags.instance === rds.instance && tags.purpose === "beside") return true;
  throw new PipelineError({
    code: "INSTANCE_TAKEN",
    kind: "refused",
    message: `There is an instance ${identifier} already, and it was not restored from ${rds.instance} by this program.`,
    state: "Nothing was touched.",
    next: `Rename it (aws rds modify-db-instance --region ${rds.region} --db-instance-identifier ${identifier} --new-db-instance-identifier OTHER --apply-immediately), then run the same command.`,
  });
}

async function begin(
  rds: Rds,
  { environment, run }: RestoreRequest,
  source: BesideSource,
  original: instances.Instance,
  identifier: string,
  parameters: string,
  { log }: StageContext,
): Promise<void> {
  const moment = "at" in source ? source.at.toISOString() : undefined;
  const backup = "at" in source ? source.at.toISOString() : source.manifest.id;
  const like = instances.likeOriginal(original, {
    instanceClass: "",
    parameters,
    tags: { environment, instance: rds.instance, purpose: "beside", backup, run },
    backupDays: original.raw.BackupRetentionPeriod ?? 1,
  });
  if ("at" in source) {
    assertRestorableAt(source.at, await readRestorable(rds, original), new Date());
    await instances.beginAtMoment(rds, identifier, source.at, like);
  } else {
    const { manifest, snapshot } = source;
    if ((await findSnapshot(rds, snapshot.identifier)) === undefined) throw snapshotGone(manifest.id, snapshot);
    await instances.beginFromSnapshot(rds, identifier, snapshot.identifier, like);
  }
  log.info(`RDS restores ${moment ?? `backup ${backup}`} as instance ${identifier}, beside ${rds.instance}`);
}

/** What came back has to be the environment's own, too. */
async function assertComeBack({ environment, store, at }: RestoreRequest, copy: Database): Promise<void> {
  const there = await withClient(copy, { ...application, database: maintenanceDatabase }, async (client) => {
    await assertInert(client);
    const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = $1", [copy.name]);
    return rowCount !== 0;
  });
  if (!there)
    throw new PipelineError({
      code: "NO_DATABASE_THEN",
      kind: "failedUnchanged",
      message: `The restored instance (${copy.host}:${copy.port}) has no database "${copy.name}"${at === undefined ? "" : `: at ${at} there was none`}.`,
      state: "The database is as it was; the restored instance stays, and costs as long.",
      next: "Take another moment or backup; delete that instance where nobody needs it.",
    });
  const identity = await withClient(copy, application, async (client) => {
    await assertEnvironment(client, environment);
    return readIdentity(client);
  });
  await assertKnownDatabase(openStore(store), environment, identity);
}
