import { PipelineError } from "../errors.js";
import type { Database } from "../contracts.js";
import type { Logger } from "../log.js";
import { ProcessError, run } from "../process.js";
import { conninfo, libpqEnvironment } from "./connection.js";
import type { Program } from "./binaries.js";
import type { DataTable } from "./fingerprintCatalogue.js";
import { interrupted } from "./interrupt.js";
import { blockedError } from "./snapshot.js";
import { diskFull } from "../diskFull.js";
import { tableProgress } from "./tableProgress.js";

export interface DumpOptions {
  readonly program: Program;
  /** An empty folder. */
  readonly directory: string;
  readonly snapshot: string;
  readonly jobs: number;
  readonly compression: string;
  /** How long `pg_dump` waits for a lock on a table, in milliseconds. */
  readonly lockTimeoutMs: number;
  /** What is dumped, for the progress. */
  readonly tables: readonly DataTable[];
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly onProgress?: (fraction: number, table: string) => void;
}

/**
 * How a dump is compressed: the lightest level, which costs less than it saves in writing; zstd where this `pg_dump` has
 * it (16 and newer, if built with it).
 */
export async function chooseCompression(program: Program): Promise<string> {
  if (program.major < 16) return "1";
  // Whether it was built in is told before any connection is made; this one leads nowhere.
  const { stderr } = await run(program.path, ["--format=directory", "--file=/nonexistent/x", "--compress=zstd:1"], {
    env: { PGHOST: "/nonexistent", PGSERVICE: "" },
  });
  return /compression/i.test(stderr) ? "gzip:1" : "zstd:1";
}

/**
 * Dumps a database under an exported snapshot into a folder, several tables at once.
 *
 * @throws PipelineError saying what stopped it; the folder then holds an unusable part.
 */
export async function dumpDatabase(database: Database, options: DumpOptions): Promise<void> {
  const { program, log, signal } = options;
  const args = [
    "--format=directory",
    `--file=${options.directory}`,
    `--jobs=${options.jobs}`,
    `--snapshot=${options.snapshot}`,
    `--compress=${options.compression}`,
    `--lock-wait-timeout=${options.lockTimeoutMs}`,
    // Large objects are left out by default once anything is selected; said so that they never are.
    "--blobs",
    "--verbose",
    "--no-password",
    `--dbname=${conninfo(database)}`,
  ];
  const follow = tableProgress(options.tables, /dumping contents of table "(.*)"$/, options.onProgress);
  const onStderr = (line: string) => {
    follow(line);
    if (/warning/i.test(line)) log.warn(line);
  };
  try {
    const env = await libpqEnvironment(database);
    const { exitCode, stderr } = await run(program.path, args, { env, signal, onStderr });
    if (exitCode !== 0) throw await dumpError(database, options, stderr, exitCode);
  } catch (error) {
    if (signal.aborted)
      throw interrupted(
        "The backup",
        "The database was not changed; no backup was recorded.",
        "Run the same command again.",
      );
    if (error instanceof ProcessError) throw failed(error.message, error);
    throw error;
  }
}

async function dumpError(database: Database, options: DumpOptions, stderr: string, exitCode: number) {
  if (/No space left on device|Disk quota exceeded/.test(stderr)) return diskFull(options.directory);
  if (/lock timeout|could not obtain lock on relation/.test(stderr))
    return blockedError(database, options.lockTimeoutMs, new Error(errorLines(stderr)));
  return failed(`exit code ${exitCode}: ${errorLines(stderr)}`);
}

/** The lines in which a program of PostgreSQL says what went wrong, without its report of progress. */
export function errorLines(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => /error:|fatal:|detail:|hint:|ERROR:|FATAL:|DETAIL:/.test(line));
  return (lines.length > 0 ? lines.slice(0, 8) : stderr.split("\n").slice(-3)).join(" | ");
}

function failed(reason: string, cause?: unknown): PipelineError {
  return new PipelineError(
    {
      code: "DUMP_FAILED",
      kind: "failedUnchanged",
      message: `pg_dump failed: ${reason}.`,
      state: "The database was not changed; no backup was recorded.",
      next: "Mend that, then run the same command.",
    },
    { cause },
  );
}
