import type { Database, DbSnapshot, Identity } from "../contracts.js";
import { messageOf } from "../errors.js";
import { assertSameDatabase } from "../postgres/identity.js";
import { type CaptureOptions, captureDatabase } from "./capture.js";
import { hashFolder } from "./hashFiles.js";
import { type Manifest, dumpFolder, manifestName, renderManifest } from "./manifest.js";
import type { Staging, Store } from "./store.js";

/** What a backup is made as. */
export interface NewBackup {
  readonly environment: string;
  readonly run: string;
  readonly id: string;
  /** The place that was claimed for its files. */
  readonly staging: Staging;
  /** As it was seen before. */
  readonly identity: Identity;
  readonly checkpoint?: string;
  /** A DB snapshot that is being made beside: without it there is no backup. */
  readonly dbSnapshot?: Promise<DbSnapshot>;
}

/**
 * Dumps and fingerprints a database into a place of the store that was claimed. The manifest is written last; where anything fails,
 * nothing is left there.
 *
 * @returns the manifest, and its text as it was written
 * @throws what {@link captureDatabase} throws; PipelineError where the database is not the one that was seen before
 */
export async function makeBackup(
  store: Store,
  database: Database,
  { environment, run, id, staging, identity, checkpoint, dbSnapshot }: NewBackup,
  { jobs, log, signal }: Omit<CaptureOptions, "directory">,
): Promise<{ manifest: Manifest; text: string }> {
  const folder = `${environment}/${id}`;
  try {
    const captured = await captureDatabase(database, { directory: staging.directory, jobs, log, signal });
    assertSameDatabase(identity, captured.identity);
    log.progress("checksums", 0.97);
    const files = await hashFolder(staging.directory, dumpFolder, jobs, signal);
    signal.throwIfAborted();
    await staging.publish({
      signal,
      onProgress: (fraction) => log.progress("storing", 0.97 + fraction * 0.03),
      onTrouble: (message) => log.warn(message),
    });
    const created = new Date().toISOString();
    const named = checkpoint === undefined ? {} : { checkpoint };
    const beside = dbSnapshot === undefined ? {} : { dbSnapshot: await dbSnapshot };
    const manifest: Manifest = { format: 1, id, environment, run, ...named, created, ...captured, ...beside, files };
    const text = renderManifest(manifest);
    await store.write(`${folder}/${manifestName}`, text);
    return { manifest, text };
  } catch (error) {
    // The manifest goes first: without its dump it would be taken for a backup.
    await store
      .remove(`${folder}/${manifestName}`)
      .then(() => staging.discard())
      .catch((reason: unknown) => log.warn(`the half backup ${folder} could not be removed: ${messageOf(reason)}`));
    throw error;
  }
}
