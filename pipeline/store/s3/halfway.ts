import { lstat, mkdir, mkdtemp, readFile, readdir, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { currentOwner, isAlive, ownerSchema } from "../owner.js";

/** Beginnings of the names of such folders, by what is in them. */
const prefixes = { dump: "safe-migration-dump-", recovery: "safe-migration-recovery-" } as const;
const ownerFile = "owner.json";
/** How long a folder without an owner's file may be one that is being made this moment, in milliseconds. */
const graceMs = 60_000;

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

/**
 * An empty folder that only its owner can enter, marked with the process it belongs to. What is for a dump on its way, or for a
 * server that is recovered, is removed where its process has ended without doing so.
 */
export async function makeHalfway(root: string, kind: keyof typeof prefixes = "dump"): Promise<Halfway> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  await dropDeadHalfways(root);
  // mkdtemp makes a new folder with mode 0700, or fails: nobody can have put one of that name there.
  const folder = await mkdtemp(join(root, prefixes[kind]));
  await writeFile(join(folder, ownerFile), JSON.stringify(await currentOwner()), { mode: 0o600 });
  const directory = join(folder, "files");
  await mkdir(directory, { mode: 0o700 });
  return { directory, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Removes what processes of this user left there that have ended without doing so. */
async function dropDeadHalfways(root: string): Promise<void> {
  for (const name of await readdir(root)) {
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
  const owner = ownerSchema.safeParse(safeJson(text));
  return !owner.success || !(await isAlive(owner.data));
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
