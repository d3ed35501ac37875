import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { StageContext } from "../context.js";
import type { Database } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import { findProgram } from "../postgres/binaries.js";
import { freeAt } from "../store/s3/halfway.js";
import { type BaseBackup, pgbackrest } from "./archive.js";
import { BesideServer, type Purpose } from "./besideServer.js";
import { type Goal, describeGoal, goalArguments } from "./goal.js";
import type { LiveServer } from "./live.js";

/** What replaying the log takes beside the server's files, in bytes. */
const replayBytes = 256 * 1_048_576;

export interface BesideArgs {
  /** The database whose server is recovered. */
  readonly database: Database;
  readonly stanza: string;
  readonly live: LiveServer;
  readonly goal: Goal;
  readonly base: BaseBackup;
  /** An empty folder that the caller removes; nobody else can enter it. */
  readonly folder: string;
  readonly purpose: Purpose;
}

/** What {@link assertRoomBeside} goes by. */
export interface RoomBeside {
  readonly root: string;
  /** Of the server's files, in bytes. */
  readonly serverBytes: number;
  /** Beside the server's files, in bytes. */
  readonly more?: number;
  /** What is to be done with it, as a clause. */
  readonly why: string;
  /** What else makes room. */
  readonly remedy?: string;
}

/**
 * Whether there is room for a copy of the server's files and the log that is replayed over them.
 *
 * @throws PipelineError (`DISK_SPACE`, refused), or (`RECOVERY_FOLDER`, refused) where there can be no such folder.
 */
export async function assertRoomBeside({ root, serverBytes, more = 0, why, remedy }: RoomBeside): Promise<void> {
  const needed = Math.ceil(serverBytes * 1.1) + replayBytes + more;
  const free = await freeAt(root).catch((error: unknown) => {
    throw folderUnusable(root, error);
  });
  if (free >= needed) return;
  const mb = (bytes: number) => `${Math.ceil(bytes / 1_048_576)} MB`;
  throw new PipelineError({
    code: "DISK_SPACE",
    kind: "refused",
    message: `${root} has ${mb(free)} free; ${why} (${mb(serverBytes)} of files, and its log) needs about ${mb(needed)}.`,
    state: "Nothing was touched.",
    next: `Make room there (database.dataGiB can be made larger; databases named …_before_… are kept until dropped)${remedy === undefined ? "" : `, or ${remedy}`}, then run the same command.`,
  });
}

function folderUnusable(root: string, cause: unknown): PipelineError {
  return new PipelineError(
    {
      code: "RECOVERY_FOLDER",
      kind: "refused",
      message: `${root}, in which the server is to be recovered beside, cannot be used: ${messageOf(cause)}.`,
      state: "Nothing was touched.",
      next: "As root on the host, make it and give it to the pipeline's account (install -d -o pipeline -m 0700 FOLDER), or name another one (rehearse.folder); then run the same command.",
    },
    { cause },
  );
}

/**
 * Recovers a server's files beside, from base backup and log, and starts a second server on them. The one that runs is not touched;
 * server and files are gone afterwards, however `work` ends.
 *
 * @throws PipelineError where the archive cannot be used, or it does not recover.
 */
export async function withServerBeside<T>(
  { database, stanza, live, goal, base, folder, purpose }: BesideArgs,
  { log, signal }: StageContext,
  work: (server: BesideServer) => Promise<T>,
): Promise<T> {
  const { path: program } = await findProgram("postgres", { atLeast: live.major });
  try {
    log.info(`recovering the server beside, to ${describeGoal(goal)}`, { base: base.label });
    const started = Date.now();
    await restoreFiles({ stanza, folder, base, goal }, signal, (line) => log.debug(line));
    log.info(`base backup ${base.label} is restored beside`, { ms: Date.now() - started });
    const { major, settings } = live;
    const server = await BesideServer.start(database.user, { folder, program, major, settings, purpose, signal });
    return await work(server).finally(() => server.stop());
  } finally {
    for (const name of ["data", "tablespaces"]) await rm(join(folder, name), { recursive: true, force: true });
  }
}

interface Files {
  readonly stanza: string;
  readonly folder: string;
  readonly base: BaseBackup;
  readonly goal: Goal;
}

async function restoreFiles(
  { stanza, folder, base, goal }: Files,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<void> {
  const path = (name: string) => join(folder, name);
  for (const name of ["data", "spool", "tablespaces"]) await mkdir(path(name), { mode: 0o700 });
  const data = path("data");
  const lock = path("lock");
  // Its own would name the folder for spooling, which archive-get takes only where it works ahead.
  const fetching = `pgbackrest --stanza=${stanza} --pg1-path=${data} --lock-path=${lock} --log-level-console=warn archive-get %f "%p"`;
  const args = [
    `--stanza=${stanza}`,
    `--set=${base.label}`,
    ...goalArguments(goal),
    "--target-action=promote",
    "--archive-mode=off",
    `--recovery-option=restore_command=${fetching}`,
    `--pg1-path=${data}`,
    `--tablespace-map-all=${path("tablespaces")}`,
    `--lock-path=${lock}`,
    `--spool-path=${path("spool")}`,
    "restore",
  ];
  await pgbackrest(args, signal, onLine);
}
