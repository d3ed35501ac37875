import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { StageContext } from "../context.js";
import type { RestoreRequest, StageRequest } from "../contracts.js";
import { PipelineError } from "../errors.js";
import type { Logger } from "../log.js";
import { findProgram } from "../postgres/binaries.js";
import { connect, withClient } from "../postgres/connection.js";
import { readIdentity } from "../postgres/identity.js";
import { assertOwnEnvironment } from "../postgres/restoreChecks.js";
import { claimBackup } from "../store/housekeeping.js";
import { estimateBackup } from "../store/estimate.js";
import { listBackups, type ListedBackup } from "../store/listBackups.js";
import { makeBackup } from "../store/makeBackup.js";
import { assertKnownDatabase } from "../store/knownDatabase.js";
import type { Manifest } from "../store/manifest.js";
import { openStore } from "../store/open.js";
import { freeAt, halfwayRoot, makeHalfway } from "../store/s3/halfway.js";
import type { Store } from "../store/store.js";
import { findWritten } from "../verdict/observe.js";
import { type BaseBackup, pgbackrest, readBaseBackups } from "./archive.js";
import { BesideServer } from "./besideServer.js";
import { type LiveServer, archiveUpToNow, readLive } from "./live.js";
import { baseFor, targetTime } from "./moment.js";
import { stanzaOf } from "./stanza.js";

/** What replaying the log takes beside the server's files, in bytes. */
const replayBytes = 256 * 1_048_576;

/** The database as it was at a moment, as a backup in a store of its own on this machine. */
export interface Recovered {
  readonly store: Store;
  readonly id: string;
  readonly manifest: Manifest;
  /** Label of the base backup that it began with. */
  readonly base: string;
  /** When the last transaction was committed that is in it; absent where none was since the base backup. */
  readonly lastChange?: string;
  /** What the database of today has that the recovered one has not, or otherwise, by table. */
  readonly differences: readonly string[];
}

/**
 * Recovers the whole server to a moment beside the one that runs, from its base backups and its log, takes the database out of it
 * as a backup takes it, and removes the rest. The server that runs is only read.
 *
 * @param work what is done with it; it is removed afterwards, however that ends.
 * @throws PipelineError where there is no archive, the moment is not in it, the disk has no room, or it does not recover.
 */
export async function withRecovered<T>(
  request: RestoreRequest & { readonly at: string },
  context: StageContext,
  work: (recovered: Recovered) => Promise<T>,
): Promise<T> {
  const { database } = request;
  const { log, signal } = context;
  const at = new Date(request.at);
  const { stanza, root, live, base, program } = await lookBefore(request, signal);
  await archiveUpToNow(database, signal);
  const halfway = await makeHalfway(root, "recovery");
  try {
    log.info(`recovering the server beside, to ${at.toISOString()}`, { base: base.label });
    await restoreFiles({ stanza, folder: halfway.directory, base, at }, context);
    const server = await BesideServer.start(database.user, {
      folder: halfway.directory,
      program,
      major: live.major,
      settings: live.settings,
      signal,
    });
    const taken = await take(server, request, context, join(halfway.directory, "store")).finally(() => server.stop());
    await rm(join(halfway.directory, "data"), { recursive: true, force: true });
    const differences = live.databaseBytes === 0 ? [] : await compare(request, context, taken.listed);
    return await work({ ...taken, base: base.label, differences });
  } finally {
    await halfway.remove();
  }
}

interface Beforehand {
  readonly stanza: string;
  /** Where the server is recovered beside. */
  readonly root: string;
  readonly live: LiveServer;
  readonly base: BaseBackup;
  /** Path of `postgres`. */
  readonly program: string;
}

/**
 * What can be known to fail, before anything is made.
 *
 * @throws PipelineError (`refused`) where there is no archive, the moment is not in it, or the disk has no room.
 */
export async function lookBefore(
  request: Omit<RestoreRequest, "into"> & { readonly at: string },
  signal: AbortSignal,
): Promise<Beforehand> {
  const stanza = stanzaOf(request);
  const root = halfwayRoot(undefined);
  const live = await readLive(request.database);
  await assertOurs(request, live);
  const base = baseFor(new Date(request.at), await readBaseBackups(stanza, signal), live.now);
  const { path: program } = await findProgram("postgres", { atLeast: live.major });
  await assertRoom(root, live, base);
  return { stanza, root, live, base, program };
}

/** @throws PipelineError where the server is not the environment's own */
async function assertOurs({ database, environment, store }: StageRequest, live: LiveServer): Promise<void> {
  await assertKnownDatabase(openStore(store), environment, { ...live.identity, database: database.name });
  if (live.databaseBytes > 0) await assertOwnEnvironment(database, environment);
}

/** @throws PipelineError (`DISK_SPACE`, refused) */
async function assertRoom(root: string, live: LiveServer, base: BaseBackup): Promise<void> {
  const server = Math.ceil(Math.max(live.bytes, base.bytes) * 1.1) + replayBytes;
  const needed = server + estimateBackup({ database: live.databaseBytes, tables: live.databaseBytes });
  const free = await freeAt(root);
  if (free >= needed) return;
  const mb = (bytes: number) => `${Math.ceil(bytes / 1_048_576)} MB`;
  throw new PipelineError({
    code: "DISK_SPACE",
    kind: "refused",
    message: `${root} has ${mb(free)} free; recovering the server beside (${mb(Math.max(live.bytes, base.bytes))} of files, and its log) needs about ${mb(needed)}.`,
    state: "Nothing was touched.",
    next: "Make room there (database.dataGiB can be made larger; databases named …_before_… are kept until dropped), then run the same command.",
  });
}

interface Files {
  readonly stanza: string;
  readonly folder: string;
  readonly base: BaseBackup;
  readonly at: Date;
}

async function restoreFiles({ stanza, folder, base, at }: Files, { log, signal }: StageContext): Promise<void> {
  const path = (name: string) => join(folder, name);
  for (const name of ["data", "spool", "tablespaces"]) await mkdir(path(name), { mode: 0o700 });
  const data = path("data");
  const lock = path("lock");
  // Its own would name the folder for spooling, which archive-get takes only where it works ahead.
  const fetching = `pgbackrest --stanza=${stanza} --pg1-path=${data} --lock-path=${lock} --log-level-console=warn archive-get %f "%p"`;
  const args = [
    `--stanza=${stanza}`,
    `--set=${base.label}`,
    "--type=time",
    `--target=${targetTime(at)}`,
    "--target-action=promote",
    "--archive-mode=off",
    `--recovery-option=restore_command=${fetching}`,
    `--pg1-path=${data}`,
    `--tablespace-map-all=${path("tablespaces")}`,
    `--lock-path=${lock}`,
    `--spool-path=${path("spool")}`,
    "restore",
  ];
  const started = Date.now();
  await pgbackrest(args, signal, (line) => log.debug(line));
  log.info(`base backup ${base.label} is restored beside`, { ms: Date.now() - started });
}

async function take(
  server: BesideServer,
  request: RestoreRequest,
  context: StageContext,
  folder: string,
): Promise<Pick<Recovered, "store" | "id" | "manifest" | "lastChange"> & { listed: ListedBackup }> {
  const { environment, run, settings } = request;
  const { log, signal } = context;
  const source = { ...server.database, name: request.database.name };
  await assertThere(source, request.at ?? "");
  const { identity, lastChange } = await withClient(
    source,
    { applicationName: "safe-migration recovery" },
    async (client) => {
      const { rows } = await client.query<{ last: Date | null }>("SELECT pg_last_xact_replay_timestamp() AS last");
      return { identity: await readIdentity(client), lastChange: rows[0]?.last ?? undefined };
    },
  );
  log.info("the server is recovered", lastChange === undefined ? {} : { lastChange: lastChange.toISOString() });
  const store = openStore(pathToFileURL(folder).href);
  const claimed = await claimBackup(store, environment, run);
  await makeBackup(
    store,
    source,
    { environment, run, identity, ...claimed },
    { jobs: settings.backup.jobs, log, signal },
  );
  const listed = (await listBackups(store, environment)).find(({ id }) => id === claimed.id);
  if (listed === undefined) throw new Error(`the backup ${claimed.id} that was just made is not there`);
  return {
    store,
    id: claimed.id,
    manifest: listed.manifest,
    listed,
    ...(lastChange === undefined ? {} : { lastChange: lastChange.toISOString() }),
  };
}

/** @throws PipelineError where the server had no such database at that moment. */
async function assertThere(source: RestoreRequest["database"], at: string): Promise<void> {
  const client = await connect(source, { database: "postgres", applicationName: "safe-migration recovery" });
  try {
    const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = $1", [source.name]);
    if (rowCount !== 0) return;
  } finally {
    await client.end();
  }
  throw new PipelineError({
    code: "NO_DATABASE_THEN",
    kind: "failedUnchanged",
    message: `At ${at} the server had no database "${source.name}".`,
    state: "The database is as it was; what was recovered beside it is removed.",
    next: "Take another moment, then run the same command.",
  });
}

/** What would be lost, or come back; told before anything is put in place. */
async function compare(request: RestoreRequest, context: StageContext, listed: ListedBackup): Promise<string[]> {
  const written = await findWritten(request, context, { data: true }, listed);
  const lines = written.known
    ? written.changes.map(({ table, message }) => `${table} ${message}`)
    : [`not known: ${written.reason}`];
  tell(lines, request.at ?? "", context.log);
  return lines;
}

function tell(lines: readonly string[], at: string, log: Logger): void {
  if (lines.length === 0) log.info(`nothing of the database's tables is otherwise than at ${at}`);
  for (const line of lines) log.warn(`since ${at}: ${line}`);
}
