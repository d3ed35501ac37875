import { messageOf } from "../errors.js";
import { inParallel } from "../postgres/interrupt.js";
import { hashText, manifestName, parseManifest, type Manifest } from "./manifest.js";
import type { Store } from "./store.js";

export interface ListedBackup {
  readonly id: string;
  readonly created: string;
  readonly manifest: Manifest;
  /** SHA-256 of the manifest's text. */
  readonly manifestSha256: string;
}

export interface Backups {
  /** Complete ones, newest first. */
  readonly complete: readonly ListedBackup[];
  /** Folders whose manifest is there and cannot be trusted. */
  readonly damaged: readonly { readonly id: string; readonly reason: string }[];
}

/** Manifests read at once; each takes a round trip where the store is elsewhere. */
const parallelReads = 8;

/** Every backup of an environment. One without a manifest was never finished, and is none. */
export async function scanBackups(store: Store, environment: string): Promise<Backups> {
  const complete: ListedBackup[] = [];
  const damaged: { id: string; reason: string }[] = [];
  const folders = (await store.list(environment)).filter((entry) => entry.endsWith("/"));
  await inParallel(folders, parallelReads, async (entry) => {
    const id = entry.slice(0, -1);
    const path = `${environment}/${id}/${manifestName}`;
    const text = await store.read(path);
    if (text === undefined) return;
    try {
      const manifest = parseManifest(text, store.urlOf(path));
      complete.push({ id, created: manifest.created, manifest, manifestSha256: hashText(text) });
    } catch (error) {
      damaged.push({ id, reason: messageOf(error) });
    }
  });
  damaged.sort((a, b) => (a.id < b.id ? -1 : 1));
  complete.sort((a, b) => Date.parse(b.created) - Date.parse(a.created) || (a.id < b.id ? 1 : -1));
  return { complete, damaged };
}

/** The complete backups of an environment, newest first. */
export async function listBackups(store: Store, environment: string): Promise<readonly ListedBackup[]> {
  return (await scanBackups(store, environment)).complete;
}
