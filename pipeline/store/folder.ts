import { randomUUID } from "node:crypto";
import { chmod, lstat, mkdir, open, readFile, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { PipelineError, messageOf } from "../errors.js";
import { currentOwner, isHeld } from "../owner.js";
import { checkPath } from "./path.js";
import type { Fetched, Staging, Store } from "./store.js";
import { diskFull } from "../diskFull.js";

const privateFolder = 0o700;
const privateFile = 0o600;
/** Beside a staged folder: who is writing it. */
const ownerSuffix = ".owner.json";
/** How long a folder without an owner's file may be one that is being made this moment, in milliseconds. */
const graceMs = 60_000;

/** A store in a folder of this machine (`file:///…`); everything in it can be read by its owner only. */
export function openFolderStore(url: string): Store {
  const root = fileURLToPath(url);
  const at = (path: string) => join(root, ...checkPath(path));
  return {
    url,
    stagedIn: root,
    urlOf: (path) => pathToFileURL(at(path)).href,
    write: (path, content) => explained(root, () => writeWhole(at(path), content)),
    read: (path) => explained(root, () => unlessMissing(readFile(at(path), "utf8"), undefined)),
    list: (folder) => explained(root, () => listFolder(at(folder))),
    remove: (path) => explained(root, () => rm(at(path), { recursive: true, force: true })),
    free: () => explained(root, () => freeBytes(root)),
    stage: (path) => explained(root, () => stageFolder(root, at(path), path)),
    fetch: (path) => Promise.resolve<Fetched>({ directory: at(path), release: () => Promise.resolve() }),
    dropAbandoned: (path) => explained(root, () => dropAbandoned(at(path))),
  };
}

/** The parts of `folder` that are missing are made, readable by their owner only. */
async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: privateFolder });
}

/** Temporary file, fsync, rename, fsync of the folder: after a power cut the file is there whole, as it was, or not at all. */
async function writeWhole(path: string, content: string): Promise<void> {
  await makeFolder(dirname(path));
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, "wx", privateFile);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function listFolder(folder: string): Promise<string[]> {
  const entries = await unlessMissing(readdir(folder, { withFileTypes: true }), []);
  return entries
    .filter(({ name }) => !name.endsWith(".tmp"))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort();
}

async function freeBytes(root: string): Promise<number> {
  await makeFolder(root);
  const { bavail, bsize } = await statfs(root);
  return bavail * bsize;
}

async function stageFolder(root: string, directory: string, path: string): Promise<Staging> {
  await makeFolder(dirname(directory));
  try {
    await mkdir(directory, { mode: privateFolder });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw occupied(path, error);
    throw error;
  }
  const ownerFile = `${directory}${ownerSuffix}`;
  await writeWhole(ownerFile, JSON.stringify(await currentOwner()));
  return {
    directory,
    publish: () =>
      explained(root, async () => {
        await makePrivate(directory);
        await syncFolder(directory);
        await syncFolder(dirname(directory));
        await rm(ownerFile, { force: true });
      }),
    discard: () =>
      explained(root, async () => {
        await rm(directory, { recursive: true, force: true });
        await rm(ownerFile, { force: true });
      }),
  };
}

async function makePrivate(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await makePrivate(path);
    else if (entry.isFile()) await chmod(path, privateFile);
  }
  await chmod(folder, privateFolder);
}

async function dropAbandoned(directory: string): Promise<boolean> {
  const ownerFile = `${directory}${ownerSuffix}`;
  const text = await unlessMissing(readFile(ownerFile, "utf8"), undefined);
  const made = await unlessMissing(lstat(directory), undefined);
  if (text === undefined && made === undefined) return false;
  if (text === undefined && made !== undefined && Date.now() - made.mtimeMs < graceMs) return false;
  if (await isHeld(text)) return false;
  await rm(directory, { recursive: true, force: true });
  await rm(ownerFile, { force: true });
  return true;
}

/** Another run writes there. */
export function occupied(path: string, cause?: unknown): PipelineError {
  return new PipelineError(
    {
      code: "STORE_OCCUPIED",
      kind: "refused",
      message: `${path} is being written by another run, or was left by one that ended a moment ago.`,
      state: "Nothing was touched.",
      next: "Wait for it, then run the same command.",
    },
    { cause },
  );
}

async function unlessMissing<T, U>(work: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await work;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return otherwise;
    throw error;
  }
}

/** Tells in words what the system says of the store's file system. */
async function explained<T>(root: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof PipelineError || code === undefined) throw error;
    if (code === "ENOSPC" || code === "EDQUOT") throw diskFull(root, error);
    throw new PipelineError(
      {
        code: "STORE",
        kind: "failedUnchanged",
        message: `The backup store ${root} cannot be used: ${messageOf(error)}.`,
        state: "The database was not changed.",
        next: (await stat(root).catch(() => undefined))?.isDirectory()
          ? "Mend that (its owner must be who runs this), then run the same command."
          : "Make that folder, or name another one in the configuration, then run the same command.",
      },
      { cause: error },
    );
  }
}
