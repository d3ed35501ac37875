import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "../contracts.js";
import { PipelineError } from "../errors.js";
import type { Logger } from "../log.js";
import { makeOwnedFolder } from "../ownedFolder.js";
import { ProcessError, run } from "../process.js";
import type { Program } from "./binaries.js";
import { conninfo, libpqEnvironment } from "./connection.js";
import { errorLines } from "./dump.js";
import { inertContents } from "./inertContents.js";
import { interrupted } from "./interrupt.js";
import { tableProgress } from "./tableProgress.js";

export interface LoadOptions {
  readonly program: Program;
  readonly serverMajor: number;
  /** The dump's folder. */
  readonly directory: string;
  /** The empty database that it is loaded into, of the same cluster. */
  readonly into: string;
  readonly jobs: number;
  /** Everything goes to the default tablespace, because the cluster lacks one that the backup names. */
  readonly noTablespaces: boolean;
  /** Leaves out what could act on the world outside; see {@link inertContents}. */
  readonly inert: boolean;
  /** For the progress; size in whatever unit. */
  readonly tables: readonly { schema: string; name: string; bytes: number }[];
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * What the database's own settings must not do to the load; the rest of them apply, as they did when it was dumped.
 */
const loadSettings = [
  "default_transaction_read_only=off",
  "statement_timeout=0",
  "lock_timeout=0",
  "idle_in_transaction_session_timeout=0",
  "synchronous_commit=off",
];

/**
 * A newer `pg_restore` sets what an older server has not heard of (`transaction_timeout`, from 17) and takes the refusal for an
 * error. It is the only one that is let pass; at any other the load ends, as with `--exit-on-error`.
 */
const unknownSetting = /ERROR: +unrecognized configuration parameter "transaction_timeout"/;

/**
 * Loads a dump into an empty database, several tables at once; ends at the first error.
 *
 * Subscriptions are left out: two with the same slot would take each other's changes, and one that is restored resumes where
 * the slot is, not where the backup was.
 *
 * @throws PipelineError saying what `pg_restore` said.
 */
export async function loadDump(database: Database, options: LoadOptions): Promise<void> {
  if (!options.inert) return loadContents(database, options, []);
  const folder = await makeOwnedFolder(tmpdir(), "contents");
  try {
    const list = await writeInertList(folder, options);
    await loadContents(database, options, [`--use-list=${list}`]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns the path of the list of what is to be loaded. */
async function writeInertList(folder: string, { program, directory, log, signal }: LoadOptions): Promise<string> {
  const listed = await run(program.path, ["--list", directory], { signal });
  if (listed.exitCode !== 0) throw failed(`exit code ${listed.exitCode}: ${errorLines(listed.stderr)}`);
  const { list, leftOut } = inertContents(listed.stdout);
  if (leftOut.length > 0) log.info(`left out of the copy, so that it acts on nothing outside: ${leftOut.join("; ")}`);
  const path = join(folder, "contents");
  await writeFile(path, list);
  return path;
}

async function loadContents(database: Database, options: LoadOptions, selection: readonly string[]): Promise<void> {
  const { program, log, signal } = options;
  const newer = program.major > options.serverMajor;
  const args = [
    "--format=directory",
    `--jobs=${options.jobs}`,
    ...(newer ? [] : ["--exit-on-error"]),
    "--no-subscriptions",
    ...(options.noTablespaces ? ["--no-tablespaces"] : []),
    "--verbose",
    "--no-password",
    ...selection,
    `--dbname=${conninfo(database, options.into)}`,
    options.directory,
  ];
  const follow = tableProgress(options.tables, /processing data for table "(.*)"$/, (fraction, table) =>
    log.progress(`restoring ${table}`, 0.05 + fraction * 0.7),
  );
  const stop = new AbortController();
  let firstError: string | undefined;
  const onStderr = (line: string) => {
    follow(line);
    if (newer && /^pg_restore: error:/.test(line) && !unknownSetting.test(line)) {
      firstError ??= line;
      stop.abort();
    } else if (/^pg_restore: warning:/.test(line) && !newer) log.warn(line);
  };
  const env = {
    ...(await libpqEnvironment(database, options.into)),
    PGOPTIONS: loadSettings.map((setting) => `-c ${setting}`).join(" "),
  };
  try {
    const { exitCode, stderr } = await run(program.path, args, {
      env,
      signal: AbortSignal.any([signal, stop.signal]),
      onStderr,
    });
    const onlyIgnored = newer && exitCode === 1 && /errors ignored on restore: \d+/.test(stderr);
    if (firstError !== undefined || (exitCode !== 0 && !onlyIgnored))
      throw failed(`exit code ${exitCode}: ${firstError ?? errorLines(stderr)}`);
  } catch (error) {
    if (signal.aborted)
      throw interrupted(
        "The restore",
        "The database is as it was; what was restored beside it is dropped.",
        "Run the same command again.",
      );
    if (error instanceof ProcessError) throw failed(firstError ?? error.message, error);
    throw error;
  }
}

function failed(reason: string, cause?: unknown): PipelineError {
  return new PipelineError(
    {
      code: "LOAD_FAILED",
      kind: "failedUnchanged",
      message: `pg_restore failed: ${reason}.`,
      state: "The database is as it was; what was restored beside it is dropped.",
      next: "Mend that, then run the same command.",
    },
    { cause },
  );
}
