import type pg from "pg";
import { z } from "zod";
import type { BackupRequest, Identity } from "../contracts.js";
import type { StageContext } from "../context.js";
import { messageOf } from "../errors.js";
import { fingerprintDatabase } from "../postgres/fingerprint.js";
import { notOfExtension, ownSchema } from "../postgres/fingerprintCatalogue.js";
import { assertSameDatabase } from "../postgres/identity.js";
import { makingWay } from "../postgres/makingWay.js";
import { backupPointName } from "../postgres/restorePoint.js";
import type { HeldSnapshot } from "../postgres/snapshot.js";
import { lockTimeoutMs, readRest } from "../store/capture.js";
import { type Manifest, manifestName, renderManifest } from "../store/manifest.js";
import type { Staging, Store } from "../store/store.js";
import { makeBaseBackup } from "./baseBackup.js";
import { archiveUpToNow } from "./live.js";
import { takePoint } from "./point.js";

/** What a backup of the server's files is made as. */
export interface NewPhysical {
  readonly id: string;
  /** The place that was claimed, which keeps others off it; it gets no file. */
  readonly staging: Staging;
  readonly stanza: string;
  /** As it was seen before. */
  readonly identity: Identity;
}

/** A backup that was made: its manifest, that as it was written, and what it added to the archive, in bytes. */
export interface MadePhysical {
  readonly manifest: Manifest;
  readonly text: string;
  readonly added: number;
}

/**
 * A backup of a database by its server's files and log: a base backup, a restore point, and the fingerprint of every table as of that
 * point. The manifest is written last, once the log up to the point is in the archive; where anything fails, there is no backup.
 *
 * @throws what {@link makeBaseBackup}, {@link takePoint} and the fingerprints throw; PipelineError (`ARCHIVE_BEHIND`) where the log does
 * not get to the archive.
 */
export async function makePhysicalBackup(
  store: Store,
  request: BackupRequest,
  of: NewPhysical,
  context: StageContext,
): Promise<MadePhysical> {
  const { id, staging } = of;
  try {
    const { manifest, added } = await capture(request, of, context);
    const text = renderManifest(manifest);
    context.signal.throwIfAborted();
    await staging.discard();
    await store.write(`${request.environment}/${id}/${manifestName}`, text);
    return { manifest, text, added };
  } catch (error) {
    await staging
      .discard()
      .catch((reason: unknown) => context.log.warn(`the place of ${id} could not be let go: ${messageOf(reason)}`));
    throw error;
  }
}

async function capture(
  request: BackupRequest,
  of: NewPhysical,
  { log, signal }: StageContext,
): Promise<Omit<MadePhysical, "text">> {
  const made = await makeBaseBackup(of.stanza, { log, signal });
  const manifest = await makingWay(request.database, { log, signal }, (stopped, holding) =>
    captureAt(request, of, made.base.label, { log, signal: stopped }, holding),
  );
  return { manifest, added: made.added };
}

/** The end of the backup: its restore point, and the fingerprints of that moment. */
async function captureAt(
  request: BackupRequest,
  { id, stanza, identity }: NewPhysical,
  base: string,
  { log, signal }: StageContext,
  holding: (held: HeldSnapshot) => Promise<void>,
): Promise<Manifest> {
  const { database, environment, run, settings } = request;
  const name = () => backupPointName(id);
  const { migrate } = settings;
  const taken = await takePoint(database, { name, lockTimeoutMs, migrate, log, signal });
  const { held, sequences, snapshot, restorePoint, writersHeld } = taken;
  try {
    await holding(held);
    log.info(`the backup ends at restore point ${restorePoint.name}`, { lsn: restorePoint.lsn, at: restorePoint.at });
    const unlogged = await listUnlogged(held.client);
    if (unlogged.length > 0)
      log.warn(`the rows of unlogged tables are in no log, and so not in this backup: ${unlogged.join(", ")}`);
    const fingerprints = await fingerprintDatabase(database, {
      jobs: settings.backup.jobs,
      snapshot: held.id,
      sequences,
      lockTimeoutMs,
      log,
      signal,
      onProgress: (fraction, table) => log.progress(`fingerprint of ${table}`, 0.05 + fraction * 0.9),
    });
    const read = await readRest(held.client);
    assertSameDatabase(identity, read.identity);
    await archiveUpToNow(database, signal);
    const method = "pgbackrest" as const;
    const physical = { method, stanza, base, restorePoint, snapshot, writersHeld, unlogged };
    const created = restorePoint.at;
    return { format: 1, id, environment, run, created, ...read, physical, fingerprints, files: [] };
  } finally {
    await held.release();
  }
}

/** Tables and sequences whose content is in no log: `public.cache`. */
export async function listUnlogged(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query(
    `SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relpersistence = 'u' AND c.relkind IN ('r', 'S') AND ${ownSchema("n")} AND ${notOfExtension("pg_class", "c")}
     ORDER BY 1`,
  );
  return z
    .array(z.strictObject({ name: z.string() }))
    .parse(rows)
    .map(({ name }) => name);
}
