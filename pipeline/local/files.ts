import { chmod, chown, open, rename, rm } from "node:fs/promises";
import { PipelineError, messageOf } from "../errors.js";

/** Writes a file whole: after a crash it is there as before or as it should be, never in between. */
export async function writeWhole(
  path: string,
  content: string,
  options: { mode: number; owner?: { uid: number; gid: number } },
): Promise<void> {
  const partial = `${path}.partial-${process.pid}`;
  await rm(partial, { force: true });
  const file = await open(partial, "wx", options.mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  // The mode given to open() is narrowed by the umask; a secret's must hold, and a record's may be read by others.
  await chmod(partial, options.mode);
  if (options.owner !== undefined) await chown(partial, options.owner.uid, options.owner.gid);
  await rename(partial, path);
}

/** The value, or `undefined` where the file or folder is not there. */
export async function ifThere<T>(value: Promise<T>): Promise<T | undefined> {
  try {
    return await value;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** An error of the file system that a person can mend, as one that says how; any other as it is. */
export function explained(error: unknown, directory: string): unknown {
  const { code = "" } = error as NodeJS.ErrnoException;
  const mend = mendable[code];
  if (error instanceof PipelineError || mend === undefined) return error;
  return new PipelineError(
    {
      code: mend.code,
      kind: "failedUnchanged",
      message: `The local cluster in ${directory} could not be worked on: ${messageOf(error)}.`,
      state: "Files are replaced whole, so what was there is as it was; no data was changed.",
      next: `${mend.remedy}, then run the same command.`,
    },
    { cause: error },
  );
}

const full = { code: "DISK_FULL", remedy: "Free space on the disk that holds it" };
const closed = {
  code: "NOT_WRITABLE",
  remedy: "Give the user who runs this the right to write there, or run it as the user who ran it first",
};
const mendable: Readonly<Record<string, { code: string; remedy: string } | undefined>> = {
  ENOSPC: full,
  EDQUOT: full,
  EACCES: closed,
  EPERM: closed,
  EROFS: closed,
};
