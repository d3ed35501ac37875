import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { elsewhereFor } from "../../pipeline/local/location.js";

/** Why a local folder may not be removed; nothing was removed. */
export class PurgeRefused extends Error {}

/**
 * Removes the local stack's folder with all its data, and the data that is elsewhere, as the server's account may not enter the folder.
 * Links in it are removed, not followed.
 *
 * @throws PurgeRefused if it is not a folder that this project made, or if a PostgreSQL still runs on a cluster in it.
 */
export function purge(folder: string): void {
  if (!existsSync(folder)) return;
  if (!lstatSync(folder).isDirectory())
    throw new PurgeRefused(`${folder} is not a folder but a link or a file; remove it by hand`);
  if (!existsSync(join(folder, "pulumi", ".pulumi"))) {
    throw new PurgeRefused(
      `${folder} holds no state of the local stack, so it may not be this project's; remove it by hand`,
    );
  }
  const cluster = join(folder, "cluster");
  const home = existsSync(cluster) ? elsewhereFor(realpathSync(cluster)) : undefined;
  const folders = [folder, ...(home !== undefined && existsSync(home) ? [home] : [])];
  const [running] = folders.flatMap((each) => findRunning(each, 4) ?? []);
  if (running !== undefined) {
    throw new PurgeRefused(
      `a PostgreSQL (process ${running.pid}) still runs on ${running.cluster}; stop it with: kill -INT ${running.pid}`,
    );
  }
  // The one that tells where the other is goes last.
  for (const each of folders.reverse()) rmSync(each, { recursive: true });
}

function findRunning(folder: string, depth: number): { pid: number; cluster: string } | undefined {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isFile() && entry.name === "postmaster.pid") {
      const pid = Number(readFileSync(path, "utf8").split("\n", 1)[0]);
      if (isAlive(pid)) return { pid, cluster: folder };
    }
    if (entry.isDirectory() && depth > 0) {
      const found = findRunning(path, depth - 1);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
