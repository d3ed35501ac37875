import { createHash } from "node:crypto";
import {
  chown,
  mkdir,
  readFile,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
} from "node:fs/promises";
import { endianness } from "node:os";
import { dirname, join } from "node:path";
import { majorOf } from "../postgres/version.js";
import { mayEnter, type Account } from "./account.js";
import { ifThere } from "./files.js";

/** Where the data goes when the server's account may not enter the directory, e.g. a checkout below `/root`. */
const elsewhere = "/var/lib/safe-migration";
/** In the data folder: the system identifier of the cluster that this tool made there. */
export const markFile = "safe-migration.mark";

/** The data folder of a cluster that was found. */
export interface FoundData {
  /** Its real path, without symbolic links. */
  readonly path: string;
  /** Absent where the folder is not a PostgreSQL cluster. */
  readonly systemIdentifier?: string;
  /** The major version it was made by. */
  readonly major?: number;
  /** The system identifier in this tool's mark. */
  readonly mark?: string;
  /** The user id that owns it. */
  readonly uid: number;
}

/** The name by which the data is found in the directory: a folder, or a link to where it is. */
export function dataName(directory: string): string {
  return join(directory, "data");
}

/** The data folder, or `undefined` where there is none; an empty folder is none. */
export async function findData(directory: string): Promise<FoundData | undefined> {
  const path = await ifThere(realpath(dataName(directory)));
  if (path === undefined) return undefined;
  const { uid } = await stat(path);
  const names = await ifThere(readdir(path));
  if (names?.length === 0) return undefined;
  const [version, control, mark] = await Promise.all([
    ifThere(readFile(join(path, "PG_VERSION"), "utf8")),
    ifThere(readFile(join(path, "global", "pg_control"))),
    ifThere(readFile(join(path, markFile), "utf8")),
  ]);
  return {
    path,
    uid,
    ...(version === undefined ? {} : { major: majorOf(version) }),
    ...(control === undefined ? {} : { systemIdentifier: readSystemIdentifier(control) }),
    ...(mark === undefined ? {} : { mark: mark.trim() }),
  };
}

/**
 * The system identifier is the first field of `pg_control`, 64 bits in the machine's byte order (`pg_control.h`); read
 * here so that a cluster is known also where the programs of its version are not installed.
 */
export function readSystemIdentifier(control: Buffer): string {
  return (endianness() === "LE" ? control.readBigUInt64LE(0) : control.readBigUInt64BE(0)).toString();
}

/** The folder that holds, or will hold, data and server log: the directory, or one that the server's account may enter. */
export async function homeOf(directory: string, account: Account): Promise<string> {
  const linked = await readlink(dataName(directory)).catch(() => undefined);
  if (linked !== undefined) return dirname(linked);
  return !account.other || (await mayEnter(account, directory)) ? directory : elsewhereFor(directory);
}

export function elsewhereFor(directory: string): string {
  return join(elsewhere, createHash("sha256").update(directory).digest("hex").slice(0, 16));
}

/** Makes the home where it is not the directory itself, and links data and log into the directory. */
export async function prepareHome(directory: string, home: string, account: Account): Promise<void> {
  if (home === directory) return;
  await mkdir(home, { recursive: true, mode: 0o755 });
  await chown(home, account.uid, account.gid);
  for (const name of ["data", "server.log"]) await link(join(home, name), join(directory, name));
}

async function link(target: string, path: string): Promise<void> {
  if ((await readlink(path).catch(() => undefined)) === target) return;
  // Nothing that holds anything is replaced: rmdir refuses a folder that is not empty.
  await ifThere(rmdir(path));
  await symlink(target, path);
}

/** Removes what an interrupted initdb left; called only by the holder of the directory's lock. */
export async function removePartial(home: string): Promise<string[]> {
  const names = (await ifThere(readdir(home))) ?? [];
  const partial = names.filter((name) => /^(data\.partial|initdb-password)-\d+$/.test(name));
  for (const name of partial) await rm(join(home, name), { recursive: true, force: true });
  return partial;
}

/** Gives data whose directory is gone another name, so that a new checkout at the same path neither uses nor loses it. */
export async function setAside(home: string, now: Date): Promise<string> {
  const name = `${home}.set-aside-${now.toISOString().replace(/[-:]|\.\d+/g, "")}`;
  await rename(home, name);
  return name;
}
