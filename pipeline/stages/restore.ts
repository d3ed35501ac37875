import pg from "pg";
import type { StageContext } from "../context.js";
import type { Database, RestoreRequest, RestoreResult } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { npmRun } from "../npmRun.js";
import { findProgram } from "../postgres/binaries.js";
import { maintenanceDatabase, withClient } from "../postgres/connection.js";
import { assertNeedsMet } from "../postgres/databaseNeeds.js";
import { fingerprintDatabase } from "../postgres/fingerprint.js";
import { type Difference, compareFingerprints } from "../postgres/fingerprints.js";
import { readIdentity } from "../postgres/identity.js";
import { interrupted } from "../postgres/interrupt.js";
import { loadDump } from "../postgres/load.js";
import { type PipelineLock, withPipelineLock } from "../postgres/pipelineLock.js";
import * as checks from "../postgres/restoreChecks.js";
import { applyOwnership, createScratch, dropLeftovers, dropScratch } from "../postgres/scratch.js";
import { type Swapped, findDatabase, nameTaken, swapDatabases } from "../postgres/swap.js";
import { type Wanted, describeWanted, findBackup, wantedBy } from "../store/chooseBackup.js";
import { scanBackups } from "../store/listBackups.js";
import { type Manifest, dumpFolder, hashText, renderManifest } from "../store/manifest.js";
import { openStore } from "../store/open.js";
import { recordProof } from "../store/proof.js";
import type { Store } from "../store/store.js";
import { noBackup, verifyBackup } from "../store/verifyBackup.js";
import { stamp } from "./stamp.js";

/** How long sessions of the old database are ended before the restore gives up, in milliseconds. */
const swapPatienceMs = 30_000;

/**
 * Restores a backup beside the database, compares the fingerprints, swaps by rename and keeps the old database under another
 * name. Until the swap, which is one transaction, the database is not touched; it is never dropped. Told another name
 * (`into`), it restores into a new database, and touches no other.
 *
 * @throws PipelineError where the backup is not whole, is another database's, or does not restore to what it was made of.
 */
export async function restore(request: RestoreRequest, context: StageContext): Promise<RestoreResult> {
  const started = Date.now();
  const store = openStore(request.store);
  const { environment } = request;
  const target: Database = { ...request.database, name: request.into ?? request.database.name };
  checks.assertNotMaintenance(target.name);
  const id = await chooseBackup(store, environment, wantedBy(request), context.log);
  try {
    const { manifest, swapped } = await withPipelineLock(target, `restore ${request.run}`, (lock) =>
      restoreBackup(request, context, { store, id, target, lock }),
    );
    const { checkpoint } = manifest;
    const { tables } = manifest.fingerprints;
    return {
      stage: "restore",
      ...stamp(request, started),
      backup: id,
      ...(checkpoint === undefined ? {} : { checkpoint }),
      ...(request.into === undefined ? {} : { into: request.into }),
      ...keptFields(swapped, target, context.log),
      tables: tables.length,
      rows: tables.reduce((sum, { rows }) => sum + rows, 0),
      swapMs: swapped.swapMs,
    };
  } catch (error) {
    if (!context.signal.aborted || error instanceof PipelineError) throw error;
    const into = request.into === undefined ? [] : ["--into", request.into];
    throw interrupted(
      "The restore",
      `"${request.database.name}" is as it was; what was restored beside it is dropped.`,
      `Run it again: ${npmRun(environment, "db:restore", "--backup", id, ...into)}`,
    );
  }
}

function keptFields({ kept }: Swapped, target: Database, log: Logger): { kept?: string; dropKept?: string } {
  if (kept === undefined) {
    log.info(`"${target.name}" is restored; there was no database of that name before`);
    return {};
  }
  const dropKept = `DROP DATABASE ${pg.escapeIdentifier(kept)};`;
  log.info(`"${target.name}" is restored; the database that was there is kept as "${kept}"`, { dropWith: dropKept });
  return { kept, dropKept };
}

async function chooseBackup(store: Store, environment: string, wanted: Wanted, log: Logger): Promise<string> {
  // Read again when its files are checked, which says what is wrong with it.
  if (wanted.by === "id") return wanted.id;
  const scanned = await scanBackups(store, environment);
  const found = findBackup(scanned, wanted);
  if (found === undefined) throw await noBackup(store, environment, describeWanted(wanted));
  for (const { id, reason } of scanned.damaged) log.warn(`backup ${id} is passed over: ${reason}`);
  const { checkpoint } = found.manifest;
  const what = wanted.by === "newest" || checkpoint === undefined ? "complete backup" : "checkpoint";
  log.info(`the newest ${what} ${wanted.by === "run" ? `of run ${wanted.run} ` : ""}is ${found.id}`, {
    made: found.created,
    ...(checkpoint === undefined ? {} : { checkpoint }),
  });
  return found.id;
}

interface Work {
  readonly store: Store;
  readonly id: string;
  /** The database that the restored one takes the name of. */
  readonly target: Database;
  readonly lock: PipelineLock;
}

async function restoreBackup(
  request: RestoreRequest,
  context: StageContext,
  { store, id, target: database, lock }: Work,
): Promise<{ manifest: Manifest; swapped: Swapped }> {
  const { environment } = request;
  const { log, signal } = context;
  const { jobs } = request.settings.backup;
  const onProgress = (fraction: number) => log.progress("checking the backup's files", fraction * 0.05);
  // Held over both, so that what is loaded is what was checked, fetched once.
  const held = await store.fetch(`${environment}/${id}/${dumpFolder}`, {
    signal,
    onProgress: (fraction) => log.progress("fetching the backup", fraction * 0.05),
    onTrouble: (message) => log.warn(message),
  });
  try {
    const manifest = await verifyBackup(store, environment, id, undefined, { jobs, signal, onProgress });
    log.info(`backup ${id}: every file has its checksum`, { files: manifest.files.length });
    return await restoreChecked(request, context, manifest, { store, target: database, lock });
  } finally {
    await held.release();
  }
}

async function restoreChecked(
  request: RestoreRequest,
  context: StageContext,
  manifest: Manifest,
  { store, target: database, lock }: Omit<Work, "id">,
): Promise<{ manifest: Manifest; swapped: Swapped }> {
  const { log, signal } = context;
  const options = { database: maintenanceDatabase, applicationName: `safe-migration restore ${request.run}` };
  return withClient(database, options, async (client) => {
    const target = await check(client, request, manifest, log);
    await dropLeftovers(client, database.name, log);
    const { properties } = manifest;
    const scratch = await createScratch(client, { of: database.name, backup: manifest.id, properties });
    log.info(`restoring into "${scratch}", beside "${request.database.name}"`);
    try {
      await load(request, context, store, manifest, scratch, target);
      await prove(request, context, manifest, scratch);
      await noteProof(store, request, manifest, log);
      await applyOwnership(client, scratch, properties);
      signal.throwIfAborted();
      lock.assertHeld();
      log.progress("putting it in place", 0.98);
      const replace = request.into === undefined;
      const swap = { restored: scratch, properties, replace, patienceMs: swapPatienceMs };
      const swapped = await swapDatabases(database, swap);
      return { manifest, swapped };
    } catch (error) {
      await drop(database, scratch, log);
      throw error;
    }
  });
}

/** Everything that can be known to fail, before anything is made. `client` is connected to the maintenance database. */
async function check(client: pg.Client, request: RestoreRequest, manifest: Manifest, log: Logger) {
  const { database, environment, into } = request;
  const server = await readIdentity(client);
  checks.assertNotNewer(manifest.identity, server);
  const missingTablespaces = await assertNeedsMet(client, manifest.needs);
  await checks.assertMayReplace(client, into ?? database.name, manifest.properties.owner);
  const there = (await findDatabase(client, database.name)) !== undefined;
  if (into !== undefined) {
    if ((await findDatabase(client, into)) !== undefined) throw nameTaken(into);
    // What is there tells whether this is the environment's server.
    if (there) await checks.assertOwnEnvironment(database, environment);
  } else if (there) {
    await checks.assertReplaceable(database, environment, manifest.identity, log);
    await checks.assertUntied(client, database.name);
  }
  await checks.assertRoom(client, database, manifest.databaseBytes, log);
  if (missingTablespaces.length > 0)
    log.warn(`this cluster lacks the tablespaces ${missingTablespaces.join(", ")}: everything goes to the default one`);
  if (manifest.needs.subscriptions.length > 0)
    log.warn(
      `subscriptions are not restored, make them anew where they are wanted: ${manifest.needs.subscriptions.join(", ")}`,
    );
  return { noTablespaces: missingTablespaces.length > 0, serverMajor: checks.majorOf(server.serverVersion) };
}

async function load(
  request: RestoreRequest,
  { log, signal }: StageContext,
  store: Store,
  manifest: Manifest,
  scratch: string,
  target: { noTablespaces: boolean; serverMajor: number },
): Promise<void> {
  const program = await findProgram("pg_restore", {
    atLeast: checks.majorOf(manifest.tools.pgDump),
    preferred: target.serverMajor,
    than: "the pg_dump that made the backup",
  });
  const fetched = await store.fetch(`${manifest.environment}/${manifest.id}/${dumpFolder}`);
  try {
    const tables = manifest.fingerprints.tables.map((table) => ({ ...table, bytes: table.rows }));
    const { jobs } = request.settings.backup;
    const { directory } = fetched;
    await loadDump(request.database, { ...target, program, directory, into: scratch, jobs, tables, log, signal });
  } finally {
    await fetched.release();
  }
}

/** @throws PipelineError unless the restored database holds what the backup was made of, to the last value. */
async function prove(
  request: RestoreRequest,
  { log, signal }: StageContext,
  manifest: Manifest,
  scratch: string,
): Promise<void> {
  const { database } = request;
  const { jobs } = request.settings.backup;
  const onProgress = (fraction: number, table: string) =>
    log.progress(`fingerprint of ${table}`, 0.75 + fraction * 0.2);
  const { image, algorithm } = manifest.fingerprints;
  const options = { database: scratch, jobs, log, signal, image, algorithm, onProgress };
  const differences = compareFingerprints(manifest.fingerprints, await fingerprintDatabase(database, options));
  if (differences.length > 0) throw differs(manifest.id, differences);
  log.info("the restored database has the fingerprints of the backup", { tables: manifest.fingerprints.tables.length });
  const analyze = {
    database: scratch,
    applicationName: "safe-migration analyze",
    settings: { statement_timeout: "0" },
  };
  await withClient(database, analyze, (client) => client.query("ANALYZE"));
}

function noteProof(store: Store, { environment, run }: RestoreRequest, manifest: Manifest, log: Logger): Promise<void> {
  const { tables } = manifest.fingerprints;
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const manifestSha256 = hashText(renderManifest(manifest));
  const proof = { backup: manifest.id, manifestSha256, by: "restore" as const, run, tables: tables.length, rows };
  return recordProof(store, environment, proof, log);
}

function differs(id: string, differences: readonly Difference[]): PipelineError {
  const shown = differences.slice(0, 10).map(({ object, message }) => `${object} ${message}`);
  const more = differences.length > shown.length ? ` and ${differences.length - shown.length} more` : "";
  return new PipelineError({
    code: "RESTORED_DIFFERS",
    kind: "failedUnchanged",
    message: `Backup ${id} does not restore to what it was made of: ${shown.join("; ")}${more}.`,
    state: "The database is as it was; what was restored beside it is dropped.",
    next: "Take another backup (npm run db:restore -- --list), and report this: a backup that does not restore is a defect.",
  });
}

/** Drops what was restored; where that fails too, the next run does it. */
async function drop(database: Database, scratch: string, log: Logger): Promise<void> {
  try {
    const options = { database: maintenanceDatabase, applicationName: "safe-migration restore" };
    await withClient(database, options, (client) => dropScratch(client, scratch));
  } catch (error) {
    log.warn(`database "${scratch}" could not be dropped (${messageOf(error)}); the next run drops it`);
  }
}
