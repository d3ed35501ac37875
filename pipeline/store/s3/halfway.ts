import { mkdir, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeOwnedFolder } from "../../ownedFolder.js";

/**
 * Where dumps lie on this machine on their way to and from S3: as configured, as `TMPDIR` says, else `/var/tmp`, which is on a
 * disk, where `/tmp` is often memory (as on Debian 13), which a dump would fill.
 */
export function halfwayRoot(configured: string | undefined): string {
  return configured ?? process.env.TMPDIR ?? (process.platform === "linux" ? "/var/tmp" : tmpdir());
}

/** Bytes that can still be written there; the folder is made if it is not there. */
export async function freeAt(root: string): Promise<number> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  const { bavail, bsize } = await statfs(root);
  return bavail * bsize;
}

export interface Halfway {
  readonly directory: string;
  readonly remove: () => Promise<void>;
}

/** A folder for a dump on its way, or for a server that is recovered; see {@link makeOwnedFolder}. */
export async function makeHalfway(root: string, kind: "dump" | "recovery" = "dump"): Promise<Halfway> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  const folder = await makeOwnedFolder(root, kind);
  const directory = join(folder, "files");
  await mkdir(directory, { mode: 0o700 });
  return { directory, remove: () => rm(folder, { recursive: true, force: true }) };
}
