import { access, constants, realpath } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { PipelineError } from "../errors.js";
import { parseVersion, programFolders } from "../postgres/binaries.js";
import { supportedMajors } from "../postgres/version.js";
import { run } from "../process.js";

/** PostgreSQL's server programs on this machine. */
export interface Binaries {
  /** The folder they are in. */
  readonly directory: string;
  /** E.g. `15.14`. */
  readonly version: string;
  /** E.g. `15`: the data of one major version can be opened by no other. */
  readonly major: number;
}

/** The one to use: of the data's major version if there is data, else the newest that this is made for. */
export function choose(found: readonly Binaries[], major?: number): Binaries | undefined {
  const fitting = found.filter((one) =>
    major === undefined ? one.major >= supportedMajors.from && one.major <= supportedMajors.to : one.major === major,
  );
  return [...fitting].sort((a, b) => b.major - a.major)[0];
}

/**
 * The server programs for data of a major version, or the newest for new data.
 *
 * @param directory where they must be taken from; absent: wherever this machine has them.
 * @throws PipelineError `NO_BINARIES` where there are none, `MAJOR_VERSION` where they cannot open the data.
 */
export async function findBinaries(directory: string | undefined, major?: number): Promise<Binaries> {
  const places = directory === undefined ? await programFolders() : [directory];
  const found: Binaries[] = [];
  for (const place of places) {
    const binaries = await inspect(place);
    if (binaries !== undefined) found.push(binaries);
  }
  const chosen = choose(found, major);
  if (chosen !== undefined) return chosen;
  if (found.length === 0 || major === undefined) throw noBinaries(directory, found);
  throw wrongMajor(found, major);
}

/** A folder with `initdb`, `pg_ctl` and `postgres` in it; client programs alone are not enough. */
async function inspect(directory: string): Promise<Binaries | undefined> {
  if (!isAbsolute(directory)) return undefined;
  try {
    // A link on the PATH leads to the folder in which the other programs (pg_dump, …) of the same version are too.
    const real = dirname(await realpath(join(directory, "postgres")));
    for (const name of ["initdb", "pg_ctl", "postgres"]) await access(join(real, name), constants.X_OK);
    const { stdout } = await run(join(real, "postgres"), ["--version"], { cwd: "/" });
    const version = parseVersion(stdout);
    return version === undefined ? undefined : { directory: real, ...version };
  } catch {
    return undefined;
  }
}

function noBinaries(directory: string | undefined, found: readonly Binaries[]): PipelineError {
  const { from, to } = supportedMajors;
  const others = found.map((one) => `${one.version} in ${one.directory}`).join(", ");
  return new PipelineError({
    code: "NO_BINARIES",
    kind: "refused",
    message:
      `No PostgreSQL server programs (initdb, pg_ctl, postgres) of a version from ${from} to ${to} were found ` +
      `${directory === undefined ? "on this machine" : `in ${directory}`}${others === "" ? "" : `; found ${others}`}.`,
    state: "Nothing was changed.",
    next: "Install them (Debian, Ubuntu: apt install postgresql; macOS: brew install postgresql@17), then run: npm start",
  });
}

function wrongMajor(found: readonly Binaries[], major: number): PipelineError {
  return new PipelineError({
    code: "MAJOR_VERSION",
    kind: "refused",
    message:
      `The local cluster's data was made by PostgreSQL ${major}, which no other major version can open; ` +
      `found ${found.map((one) => `${one.version} in ${one.directory}`).join(", ")}.`,
    state: "Nothing was changed; the data is as it was.",
    next:
      `Install PostgreSQL ${major} (Debian, Ubuntu: apt install postgresql-${major}) and run: npm start. To move to a newer ` +
      "version instead: with the old one, npm run db:backup; then npm run destroy -- --purge, npm start, npm run db:restore",
  });
}
