import type { StageContext } from "../context.js";
import type { BackupRequest, BackupResult } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { npmRun } from "../npmRun.js";
import { withClient } from "../postgres/connection.js";
import { assertEnvironment, assertSameDatabase, readIdentity } from "../postgres/identity.js";
import { interrupted } from "../postgres/interrupt.js";
import { archiveOf } from "../recovery/archived.js";
import { wantsDbSnapshot, withDbSnapshot } from "../recovery/dbSnapshot.js";
import { makePhysicalBackup } from "../recovery/makePhysical.js";
import { makeSnapshotBackup } from "../recovery/makeSnapshot.js";
import { type RdsPlace, rdsOf } from "../rds/client.js";
import { applyRetention, claimBackup, claimCheckpoint, dropPartials } from "../store/housekeeping.js";
import { recordKnownDatabase } from "../store/knownDatabase.js";
import { listBackups } from "../store/listBackups.js";
import { type NewBackup, makeBackup } from "../store/makeBackup.js";
import { type Manifest, hashText, isDump } from "../store/manifest.js";
import { openStore } from "../store/open.js";
import { estimateBackup } from "../store/estimate.js";
import type { Store } from "../store/store.js";
import { stamp } from "./stamp.js";

/** What a backup is made as. */
export interface BackupOptions {
  /** The name of a checkpoint, which retention does not remove. */
  readonly checkpoint?: string;
}

/**
 * Dumps the database and fingerprints every table under one snapshot; or, by `backup.method`, has the server's files and log archived
 * up to a restore point, of which it takes the fingerprints, or RDS make a DB snapshot. The manifest, with the checksum of each file, is
 * written last: what has none is no backup. A checkpoint is a dump in any case: an archive keeps nothing for longer than it was told to,
 * and DB snapshots go with their instance's account.
 *
 * @throws PipelineError where the database is not the one preflight saw, the disk is too small, a table cannot be read, or
 * the run is stopped; the database is never changed.
 */
export async function backup(
  request: BackupRequest,
  context: StageContext,
  { checkpoint }: BackupOptions = {},
): Promise<BackupResult> {
  const started = Date.now();
  const { database, environment, run } = request;
  const { log, signal } = context;
  const store = openStore(request.store);
  const how = methodOf(request, checkpoint);
  const { sizes, identity } = await inspect(request);
  await recordKnownDatabase(store, environment, identity);
  await dropPartials(store, environment, log);
  if (how.method === "dump") await assertSpace(store, request, sizes);

  const { id, staging } =
    checkpoint === undefined
      ? await claimBackup(store, environment, run)
      : await claimCheckpoint(store, environment, checkpoint);
  const folder = `${environment}/${id}`;
  log.info(`backing up "${database.name}"`, { backup: id, to: store.urlOf(folder) });
  const named = checkpoint === undefined ? {} : { checkpoint };
  const of = { environment, run, id, staging, identity, ...named };
  try {
    const made = await makeBoth(how, store, request, of, context);
    const removed = await tidy(store, request, id, context);
    return toResult(request, started, made, store.urlOf(folder), removed, log);
  } catch (error) {
    if (signal.aborted && !(error instanceof PipelineError))
      throw interrupted(
        "The backup",
        "The database was not changed; no backup was recorded.",
        `Run it again: ${checkpoint === undefined ? npmRun(environment, "db:backup") : npmRun(environment, "db:checkpoint", "--name", checkpoint)}`,
      );
    throw error;
  }
}

type How =
  | { readonly method: "dump" }
  | { readonly method: "pgbackrest"; readonly stanza: string }
  | { readonly method: "snapshot"; readonly place: RdsPlace };

/** @throws PipelineError where the environment has not what the method needs */
function methodOf({ database, environment, settings }: BackupRequest, checkpoint: string | undefined): How {
  const { method } = settings.backup;
  if (method === "dump" || checkpoint !== undefined) return { method: "dump" };
  return method === "pgbackrest"
    ? { method, stanza: archiveOf(environment, database) }
    : { method, place: rdsOf(environment, database) };
}

/** With a DB snapshot beside, where the pending migrations ask for one. */
function makeBoth(how: How, store: Store, request: BackupRequest, of: NewBackup, context: StageContext) {
  const { preflight, settings } = request;
  const { pending = [], risks = [] } = preflight ?? {};
  if (how.method !== "dump" || !wantsDbSnapshot(settings.backup.snapshotBefore, pending.length, risks))
    return make(how, store, request, of, context);
  return withDbSnapshot(store, request, of.id, context, (dbSnapshot, inner) =>
    make(how, store, request, { ...of, dbSnapshot }, inner),
  );
}

function make(
  how: How,
  store: Store,
  request: BackupRequest,
  of: NewBackup,
  context: StageContext,
): Promise<{ readonly manifest: Manifest; readonly text: string; readonly added?: number }> {
  const { jobs } = request.settings.backup;
  switch (how.method) {
    case "dump":
      return makeBackup(store, request.database, of, { jobs, log: context.log, signal: context.signal });
    case "pgbackrest":
      return makePhysicalBackup(store, request, { ...of, stanza: how.stanza }, context);
    case "snapshot":
      return makeSnapshotBackup(store, request, { ...of, place: how.place }, context);
  }
}

/** Retention; what goes wrong with older backups does not make the new one worse. */
async function tidy(
  store: Store,
  { environment, settings }: BackupRequest,
  id: string,
  { log, signal }: StageContext,
): Promise<string[]> {
  try {
    return await applyRetention(store, environment, { keep: settings.backup.keep, justMade: id, log, signal });
  } catch (error) {
    log.warn(`older backups could not be removed: ${messageOf(error)}`);
    return [];
  }
}

/** @param made `added`: bytes that lie elsewhere than in the store */
function toResult(
  request: BackupRequest,
  started: number,
  made: { readonly manifest: Manifest; readonly text: string; readonly added?: number },
  location: string,
  removed: string[],
  log: Logger,
): BackupResult {
  const { manifest, text, added = 0 } = made;
  const { id, identity, fingerprints, files, physical, dbSnapshot } = manifest;
  const { tables } = fingerprints;
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const bytes = files.reduce((sum, file) => sum + file.bytes, Buffer.byteLength(text) + added);
  log.info(`backup ${id} is complete`, { tables: tables.length, rows, bytes });
  const manifestSha256 = hashText(text);
  const { length } = tables;
  return {
    stage: "backup",
    ...stamp(request, started),
    id,
    location,
    manifestSha256,
    identity,
    tables: length,
    rows,
    bytes,
    ...(physical === undefined ? {} : { physical }),
    ...(dbSnapshot === undefined ? {} : { dbSnapshot }),
    removed,
  };
}

interface Sizes {
  readonly database: number;
  /** Tables without their indexes, which a dump does not hold. */
  readonly tables: number;
}

async function inspect(request: BackupRequest) {
  return withClient(request.database, { applicationName: "safe-migration backup" }, async (client) => {
    await assertEnvironment(client, request.environment);
    const identity = await readIdentity(client);
    if (request.preflight !== undefined) assertSameDatabase(request.preflight.identity, identity);
    // Pages as last counted: asking for a relation's size would wait for whoever holds it exclusively.
    const { rows } = await client.query<{ database: string; tables: string }>(`
      SELECT pg_database_size(current_database())::text AS database,
        greatest(0, pg_database_size(current_database()) - coalesce(sum(c.relpages::bigint * current_setting('block_size')::int), 0))::text
          AS tables
      FROM pg_class c WHERE c.relkind = 'i' AND c.oid >= 16384`);
    const sizes: Sizes = { database: Number(rows[0]?.database), tables: Number(rows[0]?.tables) };
    return { identity, sizes };
  });
}

async function assertSpace(store: Store, request: BackupRequest, sizes: Sizes): Promise<void> {
  const free = await store.free();
  const newest = (await listBackups(store, request.environment)).find(({ manifest }) => isDump(manifest));
  const needed = estimateBackup(sizes, newest?.manifest);
  if (free >= needed) return;
  const mb = (bytes: number) => `${Math.ceil(bytes / 1_048_576)} MB`;
  throw new PipelineError({
    code: "DISK_SPACE",
    kind: "refused",
    message:
      `${store.stagedIn}, where the dump is written, has ${mb(free)} free; a backup of "${request.database.name}" ` +
      `(${mb(sizes.database)}) needs about ${mb(needed)}.`,
    state: "Nothing was touched.",
    next: "Free space there, or keep fewer backups (backup.keep), then run the same command.",
  });
}
