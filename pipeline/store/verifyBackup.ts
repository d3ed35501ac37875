import { join } from "node:path";
import { inParallel } from "../postgres/interrupt.js";
import { PipelineError } from "../errors.js";
import { hashFile, listFiles } from "./hashFiles.js";
import {
  damaged,
  dumpFolder,
  hashText,
  isDump,
  manifestName,
  parseManifest,
  type BackupFile,
  type Manifest,
} from "./manifest.js";
import { scanBackups } from "./listBackups.js";
import type { Store } from "./store.js";

export interface VerifyOptions {
  readonly jobs?: number;
  /** `manifest`: its files are not read, for who has just read them all. @default "content" */
  readonly read?: "content" | "manifest";
  readonly signal?: AbortSignal;
  /** Called with the share of bytes read so far, 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}

/**
 * Reads every byte of a backup again (unless told otherwise) and compares it with its manifest; a changed byte in a dump restores without any error
 * otherwise, with wrong data. Of a physical backup only the manifest is here; what restores it checks its files.
 *
 * @param manifestSha256 of the manifest, where the caller knows it from elsewhere (the backup's result).
 * @returns the manifest.
 * @throws PipelineError naming the file that is missing, was added, or is not what it was.
 */
export async function verifyBackup(
  store: Store,
  environment: string,
  id: string,
  manifestSha256?: string,
  options: VerifyOptions = {},
): Promise<Manifest> {
  const path = `${environment}/${id}/${manifestName}`;
  const text = await store.read(path);
  if (text === undefined) throw await noBackup(store, environment, `backup "${id}"`);
  const where = store.urlOf(path);
  if (manifestSha256 !== undefined && hashText(text) !== manifestSha256)
    throw damaged(where, "it is not the manifest that the backup's result names");
  const manifest = parseManifest(text, where);
  if (manifest.id !== id || manifest.environment !== environment)
    throw damaged(where, `it is the manifest of ${manifest.environment}/${manifest.id}, in another backup's folder`);
  if (options.read !== "manifest" && isDump(manifest)) await verifyFiles(store, manifest, options);
  return manifest;
}

async function verifyFiles(store: Store, manifest: Manifest, options: VerifyOptions): Promise<void> {
  const folder = `${manifest.environment}/${manifest.id}`;
  const name = (file: string) => store.urlOf(`${folder}/${file}`);
  const fetched = await store.fetch(`${folder}/${dumpFolder}`);
  try {
    const found = await listFiles(fetched.directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") throw damaged(name(dumpFolder), "the folder is missing");
      throw error;
    });
    const there = new Map(found.map(({ path, regular }) => [`${dumpFolder}/${path}`, regular]));
    for (const file of manifest.files) {
      if (!there.has(file.path)) throw damaged(name(file.path), "it is missing");
      if (there.get(file.path) === false) throw damaged(name(file.path), "it is no longer an ordinary file");
      there.delete(file.path);
    }
    for (const extra of there.keys()) throw damaged(name(extra), "it was not there when the backup was made");
    const total = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0) || 1;
    let done = 0;
    await inParallel(manifest.files, options.jobs ?? 4, async (file) => {
      await verifyFile(join(fetched.directory, file.path.slice(dumpFolder.length + 1)), file, name(file.path), options);
      done += file.bytes;
      options.onProgress?.(done / total);
    });
  } finally {
    await fetched.release();
  }
}

async function verifyFile(path: string, expected: BackupFile, name: string, { signal }: VerifyOptions): Promise<void> {
  const { bytes, sha256 } = await hashFile(path, signal);
  if (bytes !== expected.bytes) throw damaged(name, `it has ${bytes} bytes, the manifest says ${expected.bytes}`);
  if (sha256 !== expected.sha256) throw damaged(name, "its content has changed (SHA-256 differs from the manifest's)");
}

/** There is no complete one of what is wanted (as a clause: `backup "x"`); says what there is. */
export async function noBackup(store: Store, environment: string, wanted: string): Promise<PipelineError> {
  const { complete, damaged: broken } = await scanBackups(store, environment);
  const list = complete.slice(0, 10).map((backup) => `${backup.id} (${backup.created})`);
  const more = complete.length > list.length ? ` and ${complete.length - list.length} older` : "";
  const bad = broken.length > 0 ? ` Damaged: ${broken.map((backup) => backup.id).join(", ")}.` : "";
  return new PipelineError({
    code: "NO_BACKUP",
    kind: "refused",
    message:
      `There is no complete ${wanted} of "${environment}" in ` +
      `${store.url}. Complete ones: ${list.length > 0 ? `${list.join(", ")}${more}` : "none"}.${bad}`,
    state: "Nothing was touched.",
    next:
      complete.length > 0
        ? "Name one of these (npm run db:restore -- --list shows them all), then run the same command."
        : "Make one (npm run db:backup), or mend the store's URL in the configuration.",
  });
}
