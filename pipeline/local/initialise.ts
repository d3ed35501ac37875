import { chown, mkdir, readFile, rename, rm, rmdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { StageContext } from "../context.js";
import { PipelineError } from "../errors.js";
import { run } from "../process.js";
import { asAccount, type Account } from "./account.js";
import type { Binaries } from "./binaries.js";
import { ifThere, writeWhole } from "./files.js";
import { markFile, readSystemIdentifier } from "./location.js";
import { ownerOf, writeFixedFiles, writeSettings, type ServerSettings } from "./settings.js";

/** What a new cluster and its first log of changes need, in bytes; measured: 40 MB, and as much again for the first use. */
const neededBytes = 150_000_000;

/** The superuser of a local cluster, and the role the pipeline connects as. */
export const superuser = "postgres";

export interface NewCluster {
  /** Holds the data folder; see `homeOf`. */
  readonly home: string;
  readonly account: Account;
  readonly binaries: Binaries;
  readonly port: number;
  readonly password: string;
  readonly settings: ServerSettings;
}

/**
 * Makes a cluster beside its place and renames it when it is complete, so that a half-made one is never taken for one.
 * `beforeRename` runs when all but the name is there: what must not be missing beside a complete cluster.
 *
 * @returns its system identifier.
 * @throws PipelineError `DISK_FULL`, `INITDB`
 */
export async function initialise(
  cluster: NewCluster,
  { log, signal }: StageContext,
  beforeRename: (systemIdentifier: string) => Promise<void>,
): Promise<string> {
  const { home, account, binaries } = cluster;
  await requireSpace(home);
  const partial = join(home, `data.partial-${process.pid}`);
  const passwordFile = join(home, `initdb-password-${process.pid}`);
  log.info(`Making a PostgreSQL ${binaries.version} cluster in ${home}.`);
  try {
    await mkdir(partial, { mode: 0o700 });
    if (account.other) await chown(partial, account.uid, account.gid);
    await writeWhole(passwordFile, cluster.password, { mode: 0o600, owner: ownerOf(account) });
    const { exitCode, stderr } = await run(
      join(binaries.directory, "initdb"),
      [
        `--pgdata=${partial}`,
        `--pwfile=${passwordFile}`,
        `--username=${superuser}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        ...(await localeArguments(binaries.major)),
        // On by default from 18 on only.
        "--data-checksums",
        ...(cluster.settings.fsync === "off" ? ["--no-sync"] : []),
      ],
      { ...asAccount(account), signal },
    );
    if (exitCode !== 0) throw initdbFailed(stderr, home);
    await writeFixedFiles(partial, account);
    await writeSettings(partial, account, cluster.port, cluster.settings);
    const systemIdentifier = readSystemIdentifier(await readFile(join(partial, "global", "pg_control")));
    await writeWhole(join(partial, markFile), `${systemIdentifier}\n`, { mode: 0o600, owner: ownerOf(account) });
    await beforeRename(systemIdentifier);
    // An empty folder of that name may be there; one that is not empty is refused before, and by rmdir.
    await ifThere(rmdir(join(home, "data")));
    await rename(partial, join(home, "data"));
    return systemIdentifier;
  } finally {
    await rm(passwordFile, { force: true });
    await rm(partial, { recursive: true, force: true });
  }
}

/**
 * A locale that sorts the same everywhere, and knows the letters of all languages where there is one: an index sorted by
 * the system's own locale is silently wrong after a system update.
 */
async function localeArguments(major: number): Promise<string[]> {
  if (major >= 17) return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
  const { stdout } = await run("locale", ["-a"]).catch(() => ({ stdout: "" }));
  return [`--locale=${chooseLocale(stdout.split("\n"))}`];
}

/** `C.UTF-8` in the system's own spelling, else `C`. */
export function chooseLocale(available: readonly string[]): string {
  return available.find((name) => /^C\.utf-?8$/i.test(name.trim()))?.trim() ?? "C";
}

async function requireSpace(home: string): Promise<void> {
  const { bavail, bsize } = await statfs(home);
  if (bavail * bsize >= neededBytes) return;
  throw diskFull(home, `${Math.floor((bavail * bsize) / 1e6)} MB are free, ${neededBytes / 1e6} MB are needed`);
}

function initdbFailed(stderr: string, home: string): PipelineError {
  if (/No space left on device|Disk quota exceeded/.test(stderr)) return diskFull(home, "initdb found no space left");
  return new PipelineError({
    code: "INITDB",
    kind: "failedUnchanged",
    message: `A PostgreSQL cluster could not be made in ${home}: initdb said:\n${stderr.trim().split("\n").slice(-8).join("\n")}`,
    state: "What it had made was removed.",
    next: "Mend that, then run: npm start",
  });
}

function diskFull(home: string, reason: string): PipelineError {
  return new PipelineError({
    code: "DISK_FULL",
    kind: "failedUnchanged",
    message: `A PostgreSQL cluster could not be made in ${home}: ${reason}.`,
    state: "Nothing is left of it.",
    next: `Free space on the disk of ${home}, then run: npm start`,
  });
}
