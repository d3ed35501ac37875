import { lstat, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { currentOwner, isHeld } from "./owner.js";

/** What a folder is for: the beginning of its name. */
const prefixes = {
  dump: "safe-migration-dump-",
  recovery: "safe-migration-recovery-",
  contents: "safe-migration-contents-",
  ca: "safe-migration-ca-",
} as const;
const ownerFile = "owner.json";
/** How long a folder without an owner's file may be one that is being made this moment, in milliseconds. */
const graceMs = 60_000;

/**
 * Makes an empty folder in `root` that only its owner can enter, marked with the process it belongs to. It is for that process to
 * remove; where it has ended without doing so, the next one that makes such a folder there does.
 *
 * @returns its path; the mark is in it.
 */
export async function makeOwnedFolder(root: string, kind: keyof typeof prefixes): Promise<string> {
  await dropDead(root);
  // mkdtemp makes a new folder with mode 0700, or fails: nobody can have put one of that name there.
  const folder = await mkdtemp(join(root, prefixes[kind]));
  await writeFile(join(folder, ownerFile), JSON.stringify(await currentOwner()), { mode: 0o600 });
  return folder;
}

/** Removes what processes of this user left there that have ended without doing so. */
async function dropDead(root: string): Promise<void> {
  // Where it may not be looked into, what is left stays; that is no reason to fail.
  for (const name of await readdir(root).catch(() => [])) {
    const folder = join(root, name);
    const ours = Object.values(prefixes).some((prefix) => name.startsWith(prefix));
    if (ours && (await isDead(folder))) await rm(folder, { recursive: true, force: true });
  }
}

async function isDead(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  if (found?.isDirectory() !== true || found.uid !== process.getuid?.()) return false;
  const text = await readFile(join(folder, ownerFile), "utf8").catch(() => undefined);
  if (text === undefined) return Date.now() - found.mtimeMs > graceMs;
  return !(await isHeld(text));
}
