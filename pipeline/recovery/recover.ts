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
import { openStore } from "../store/open.js";
import { halfwayRoot, makeHalfway } from "../store/s3/halfway.js";
import type { Store } from "../store/store.js";
import { findWritten } from "../verdict/observe.js";
import { type BaseBackup, readBaseBackups } from "./archive.js";
import { assertRoomBeside, withServerBeside } from "./beside.js";
import type { BesideServer } from "./besideServer.js";
import { type Goal, baseOf, describeGoal } from "./goal.js";
import { type LiveServer, archiveUpToNow, readLive } from "./live.js";

/** The database as it was at a moment, as a backup in a store of its own on this machine. */
export interface Recovered {
  readonly store: Store;
  readonly id: string;
  readonly listed: ListedBackup;
  /** Label of the base backup that it began with. */
  readonly base: string;
  /** When the last transaction was committed that is in it; absent where none was since the base backup. */
  readonly lastChange?: string;
  /** Of a moment: what the database of today has that the recovered one has not, or otherwise, by table. */
  readonly differences: readonly string[];
}

/** What is recovered, and from which archive. */
export interface Recovery {
  readonly stanza: string;
  readonly goal: Goal;
}

/**
 * Recovers the whole server beside the one that runs, from its base backups and its log, takes the database out of it
 * as a backup takes it, and removes the rest. The server that runs is only read.
 *
 * @param work what is done with it; it is removed afterwards, however that ends.
 * @throws PipelineError where there is no archive, the goal is not in it, the disk has no room, or it does not recover.
 */
export async function withRecovered<T>(
  request: RestoreRequest,
  context: StageContext,
  { stanza, goal }: Recovery,
  work: (recovered: Recovered) => Promise<T>,
): Promise<T> {
  const { database } = request;
  const { root, live, base } = await lookBefore(request, { stanza, goal }, context.signal);
  // The log of a restore point was archived when it was made.
  if (goal.to === "moment") await archiveUpToNow(database, context.signal);
  const halfway = await makeHalfway(root, "recovery");
  const folder = halfway.directory;
  try {
    const beside = { database, stanza, live, goal, base, folder, purpose: "read" } as const;
    const taken = await withServerBeside(beside, context, (server) =>
      take(server, request, context, goal, join(folder, "store")),
    );
    const compared = goal.to === "moment" && live.databaseBytes > 0;
    const differences = compared ? await compare(request, context, taken.listed) : [];
    return await work({ ...taken, base: base.label, differences });
  } finally {
    await halfway.remove();
  }
}

interface Beforehand {
  /** Where the server is recovered beside. */
  readonly root: string;
  readonly live: LiveServer;
  readonly base: BaseBackup;
}

/**
 * What can be known to fail, before anything is made.
 *
 * @throws PipelineError (`refused`) where the goal is not in the archive, or the disk has no room.
 */
export async function lookBefore(
  request: StageRequest,
  { stanza, goal }: Recovery,
  signal: AbortSignal,
): Promise<Beforehand> {
  const root = halfwayRoot(undefined);
  const live = await readLive(request.database);
  await assertOurs(request, live);
  const base = baseOf(goal, await readBaseBackups(stanza, signal), live.now);
  await findProgram("postgres", { atLeast: live.major });
  await assertRoomBeside({
    root,
    serverBytes: Math.max(live.bytes, base.bytes),
    more: estimateBackup({ database: live.databaseBytes, tables: live.databaseBytes }),
    why: "recovering the server beside",
  });
  return { root, live, base };
}

/** @throws PipelineError where the server is not the environment's own */
async function assertOurs({ database, environment, store }: StageRequest, live: LiveServer): Promise<void> {
  await assertKnownDatabase(openStore(store), environment, { ...live.identity, database: database.name });
  if (live.databaseBytes > 0) await assertOwnEnvironment(database, environment);
}

async function take(
  server: BesideServer,
  request: RestoreRequest,
  context: StageContext,
  goal: Goal,
  folder: string,
): Promise<Omit<Recovered, "base" | "differences">> {
  const { environment, run, settings } = request;
  const { log, signal } = context;
  const source = { ...server.database, name: request.database.name };
  await assertThere(source, describeGoal(goal));
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
    message: `At ${at}, the server had no database "${source.name}".`,
    state: "The database is as it was; what was recovered beside it is removed.",
    next: "Take another moment or backup, then run the same command.",
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
