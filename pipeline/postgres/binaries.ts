import { access, constants, readdir, realpath } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { PipelineError } from "../errors.js";
import { run } from "../process.js";

/** PostgreSQL's client programs that the pipeline runs. */
export type ProgramName = "pg_dump" | "pg_restore" | "psql" | "pg_dumpall" | "initdb" | "pg_ctl" | "postgres";

export interface Program {
  readonly path: string;
  /** As the program says it, e.g. `17.2`. */
  readonly version: string;
  readonly major: number;
}

export interface Wanted {
  /** Lowest major version that can do the work, e.g. the server's for `pg_dump`. */
  readonly atLeast: number;
  /** The major that is taken where it is there; default: `atLeast`. */
  readonly preferred?: number;
  /** What the program must not be older than, for the message; default: `the server`. */
  readonly than?: string;
}

/** `pg_dump (PostgreSQL) 17.2 (Debian 17.2-1)`, `18beta1`, `16devel` → version and major; undefined for anything else. */
export function parseVersion(output: string): { version: string; major: number } | undefined {
  const match = /\(PostgreSQL\) ((\d+)(?:\.\d+)*(?:beta\d+|rc\d+|devel)?)/.exec(output);
  return match?.[1] === undefined ? undefined : { version: match[1], major: Number(match[2]) };
}

/**
 * The program to run: the preferred major where it is there (its dump needs nothing newer to be restored), else the newest
 * that is not too old. Undefined where all are too old.
 */
export function chooseProgram(found: readonly Program[], wanted: Wanted): Program | undefined {
  const fit = found.filter(({ major }) => major >= wanted.atLeast);
  const preferred = Math.max(wanted.preferred ?? wanted.atLeast, wanted.atLeast);
  return fit.find(({ major }) => major === preferred) ?? fit.sort((a, b) => b.major - a.major)[0];
}

/** Folders in which PostgreSQL's packages put their programs: `PATH`, Debian's, Red Hat's, Homebrew's, Postgres.app's. */
export async function programFolders(path = process.env.PATH ?? ""): Promise<string[]> {
  const versioned = await Promise.all([
    children("/usr/lib/postgresql", (name) => /^\d+$/.test(name), "bin"),
    children("/usr", (name) => /^pgsql-\d+$/.test(name), "bin"),
    ...["/opt/homebrew/opt", "/usr/local/opt"].map((folder) =>
      children(folder, (name) => /^(postgresql(@\d+)?|libpq)$/.test(name), "bin"),
    ),
    children("/Applications/Postgres.app/Contents/Versions", (name) => /^\d+$/.test(name), "bin"),
    children("/usr/local", (name) => name === "pgsql", "bin"),
  ]);
  return [...new Set([...path.split(delimiter).filter((folder) => folder !== ""), ...versioned.flat()])];
}

async function children(folder: string, fits: (name: string) => boolean, below: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter(fits).map((name) => join(folder, name, below));
}

/** Every version of a program in `folders`; each file once. */
async function findPrograms(name: ProgramName, folders?: readonly string[]): Promise<Program[]> {
  const paths = (folders ?? (await programFolders())).map((folder) => join(folder, name));
  const real = new Map<string, string>();
  for (const path of paths) {
    const runnable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (!runnable) continue;
    const target = await realpath(path);
    // Debian's wrappers are all one script that picks a version by its own rules: the name decides, not the file.
    const key = target.endsWith(`/${name}`) ? target : path;
    if (!real.has(key)) real.set(key, path);
  }
  const programs = await Promise.all(
    [...real.values()].map(async (path) => {
      const { stdout } = await run(path, ["--version"]).catch(() => ({ stdout: "" }));
      const version = parseVersion(stdout);
      return version === undefined ? [] : [{ path, ...version }];
    }),
  );
  return programs.flat();
}

/** @throws PipelineError if there is none, or all that are there are too old. */
export async function findProgram(name: ProgramName, wanted: Wanted, folders?: readonly string[]): Promise<Program> {
  const found = await findPrograms(name, folders);
  const chosen = chooseProgram(found, wanted);
  if (chosen !== undefined) return chosen;
  const newest = [...found].sort((a, b) => b.major - a.major)[0];
  const than = wanted.than ?? "the server";
  throw new PipelineError({
    code: newest === undefined ? "NO_PROGRAM" : "PROGRAM_TOO_OLD",
    kind: "refused",
    message:
      newest === undefined
        ? `${name} was not found on PATH nor where PostgreSQL's packages put it; version ${wanted.atLeast} or newer is needed.`
        : `${name} is older than ${than}: ${newest.path} is ${newest.version}, ${than} is ${wanted.atLeast}.`,
    state: "Nothing was touched.",
    next:
      `Install the client programs of PostgreSQL ${wanted.atLeast} or newer ` +
      `(Debian, Ubuntu: apt-get install postgresql-client-${wanted.atLeast}; ` +
      `Red Hat: dnf install postgresql${wanted.atLeast}; macOS: brew install libpq), then run the same command.`,
  });
}

export interface Binaries {
  readonly pgDump: Program;
  readonly pgRestore: Program;
}

/**
 * The programs that a backup and its restore need for a server of this major version.
 *
 * @throws PipelineError if one is missing or older than the server.
 */
export async function findBinaries(serverMajor: number): Promise<Binaries> {
  const pgDump = await findProgram("pg_dump", { atLeast: serverMajor });
  const pgRestore = await findProgram("pg_restore", {
    atLeast: pgDump.major,
    than: pgDump.major === serverMajor ? "the server" : "pg_dump, whose dumps it must read",
  });
  return { pgDump, pgRestore };
}
