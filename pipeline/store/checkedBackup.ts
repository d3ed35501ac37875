import type { StageContext } from "../context.js";
import { type DumpManifest, asDump, dumpFolder } from "./manifest.js";
import type { Store } from "./store.js";
import { verifyBackup } from "./verifyBackup.js";

export interface BackupChosen {
  /** Whose backup it is. */
  readonly environment: string;
  readonly id: string;
  /** Of its manifest, where it is known from elsewhere (the backup's result). */
  readonly manifestSha256?: string;
  /** How many files are read at once. */
  readonly jobs: number;
}

/**
 * Works with a dump of which every byte was checked. It is held until the work ends, so that what is loaded is what was
 * checked, fetched once. Of the progress of the whole, fetching and checking are the first 5 %.
 *
 * @throws PipelineError where it is not there or not whole, and what `work` throws.
 */
export async function withCheckedBackup<T>(
  store: Store,
  { environment, id, manifestSha256, jobs }: BackupChosen,
  { log, signal }: Pick<StageContext, "log" | "signal">,
  work: (manifest: DumpManifest) => Promise<T>,
): Promise<T> {
  const part = (what: string) => (fraction: number) => log.progress(what, fraction * 0.05);
  const held = await store.fetch(`${environment}/${id}/${dumpFolder}`, {
    signal,
    onProgress: part("fetching the backup"),
    onTrouble: (message) => log.warn(message),
  });
  try {
    const onProgress = part("checking the backup's files");
    const manifest = asDump(await verifyBackup(store, environment, id, manifestSha256, { jobs, signal, onProgress }));
    log.info(`backup ${id}: every file has its checksum`, { files: manifest.files.length });
    return await work(manifest);
  } finally {
    await held.release();
  }
}
