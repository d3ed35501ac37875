import pg from "pg";
import type { StageContext } from "../context.js";
import type { Database, RestoreRequest, RestoreResult } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { npmRun } from "../npmRun.js";
import { maintenanceDatabase, withClient } from "../postgres/connection.js";
import { readIdentity } from "../postgres/identity.js";
import { interrupted } from "../postgres/interrupt.js";
import { type PipelineLock, withPipelineLock } from "../postgres/pipelineLock.js";
import * as checks from "../postgres/restoreChecks.js";
import { applyOwnership, createScratch, dropLeftovers } from "../postgres/scratch.js";
import { takeableProperties } from "../postgres/takeableSettings.js";
import { type Swapped, findDatabase, nameTaken, swapDatabases } from "../postgres/swap.js";
import { type Recovered, withRecovered } from "../recovery/recover.js";
import { assertAsMade, recoveryFor, timeOf } from "../recovery/recoveryFor.js";
import { type Tried, recordTried } from "../recovery/tried.js";
import { withCheckedBackup } from "../store/checkedBackup.js";
import { type Wanted, describeWanted, findBackup, wantedBy } from "../store/chooseBackup.js";
import { assertKnownDatabase } from "../store/knownDatabase.js";
import { scanBackups } from "../store/listBackups.js";
import type { DumpManifest, Manifest } from "../store/manifest.js";
import { openStore } from "../store/open.js";
import { assertRestorable, discardScratch, noteProof, restoreInto } from "../store/restoreInto.js";
import type { Store } from "../store/store.js";
import { noBackup } from "../store/verifyBackup.js";
import { restoreOnRds, sourceOnRds } from "./restoreOnRds.js";
import { stamp } from "./stamp.js";

/** How long sessions of the old database are ended before the restore gives up, in milliseconds. */
const swapPatienceMs = 30_000;

/**
 * Restores a backup beside the database, compares the fingerprints, swaps by rename and keeps the old database under another
 * name. What RDS restores, a moment or a DB snapshot, stands beside as an instance of its own, and the database is not touched. On other servers a moment (`at`), or a backup whose data lies in an archive, is recovered beside first, and restored from there in the same way. Until the swap, which is one
 * transaction, the database is not touched; it is never dropped. Told another name (`into`), it restores into a new database,
 * and touches no other.
 *
 * @throws PipelineError where the backup is not whole, is another database's, or does not restore to what it was made of.
 */
export async function restore(request: RestoreRequest, context: StageContext): Promise<RestoreResult> {
  const started = Date.now();
  const store = openStore(request.store);
  const { environment } = request;
  const target: Database = { ...request.database, name: request.into ?? request.database.name };
  checks.assertNotMaintenance(target.name);
  const wanted = wantedBy(request);
  const { at } = request;
  const chosen = at === undefined ? await chooseBackup(store, environment, wanted, context.log) : undefined;
  const onRds = await sourceOnRds(request, chosen);
  if (onRds !== undefined) return restoreOnRds(request, context, onRds);
  try {
    const { manifest, swapped, recovered } = await withPipelineLock(target, `restore ${request.run}`, async (lock) => {
      const restoring = (from: Pick<Work, "store" | "id">) =>
        restoreBackup(request, context, { store: from.store, id: from.id, target, lock });
      const recovery = await recoveryFor(request, chosen);
      if (recovery === undefined)
        return { ...(await restoring({ store, id: chosen ?? request.backup })), recovered: undefined };
      return withRecovered(request, context, recovery, async (recovered) => {
        const { manifest: made } = recovery;
        if (made !== undefined) assertAsMade(made, recovered);
        const unlogged = made?.physical?.unlogged ?? [];
        if (unlogged.length > 0)
          context.log.warn(
            `unlogged tables come back empty, as no log has their rows: ${unlogged.join(", ")}; they are in the database that is kept`,
          );
        const restored = await restoring(recovered);
        const { base, listed } = recovered;
        const { fingerprints } = listed.manifest;
        await noteTried(request, { moment: timeOf(recovery), base, fingerprints }, started, context.log);
        if (made === undefined) return { ...restored, recovered };
        const proof = { by: "restore", run: request.run } as const;
        await noteProof({ store, manifest: made, proof, log: context.log });
        return { ...restored, manifest: made, recovered };
      });
    });
    const { checkpoint } = manifest;
    const { tables } = manifest.fingerprints;
    return {
      stage: "restore",
      ...stamp(request, started),
      backup: at === undefined ? manifest.id : (recovered?.base ?? manifest.id),
      ...(at === undefined || recovered === undefined ? {} : momentFields(request, recovered)),
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
    const again = at === undefined ? ["--backup", chosen ?? request.backup] : ["--at", at];
    throw interrupted(
      "The restore",
      `"${request.database.name}" is as it was; what was restored beside it is dropped.`,
      `Run it again: ${npmRun(environment, "db:restore", ...again, ...into)}`,
    );
  }
}

/** What is in place is in place, whether it can be noted or not. */
async function noteTried(
  request: RestoreRequest,
  which: Pick<Tried, "moment" | "base" | "fingerprints">,
  started: number,
  log: Logger,
): Promise<void> {
  const now = Date.now();
  const tried = { ...which, at: new Date(now).toISOString(), durationMs: now - started };
  await recordTried(openStore(request.store), request.environment, tried).catch((error: unknown) =>
    log.warn(`that the archive recovers could not be noted in the store: ${messageOf(error)}`),
  );
}

function momentFields({ at }: RestoreRequest, { lastChange, differences }: Recovered) {
  return { moment: at, differences: [...differences], ...(lastChange === undefined ? {} : { lastChange }) };
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
  const { environment, settings } = request;
  const { jobs } = settings.backup;
  return withCheckedBackup(store, { environment, id, jobs }, context, (manifest) =>
    restoreChecked(request, context, manifest, { store, target: database, lock }),
  );
}

async function restoreChecked(
  request: RestoreRequest,
  context: StageContext,
  manifest: DumpManifest,
  { store, target: database, lock }: Omit<Work, "id">,
): Promise<{ manifest: Manifest; swapped: Swapped }> {
  const { log, signal } = context;
  const { jobs } = request.settings.backup;
  const options = { database: maintenanceDatabase, applicationName: `safe-migration restore ${request.run}` };
  return withClient(database, options, async (client) => {
    const target = await check(client, request, manifest, log);
    await dropLeftovers(client, database.name, log);
    const properties = await takeableProperties(client, manifest.properties, log);
    const of = { of: database.name, backup: manifest.id, purpose: "restore", properties } as const;
    const scratch = await createScratch(client, of);
    log.info(`restoring into "${scratch}", beside "${request.database.name}"`);
    try {
      const by = { by: "restore", run: request.run } as const;
      await restoreInto(request.database, scratch, { store, manifest, target, jobs, proof: by, log, signal });
      await applyOwnership(client, scratch, properties);
      signal.throwIfAborted();
      lock.assertHeld();
      log.progress("putting it in place", 0.98);
      const replace = request.into === undefined;
      const swap = { restored: scratch, properties, replace, patienceMs: swapPatienceMs };
      const swapped = await swapDatabases(database, swap);
      return { manifest, swapped };
    } catch (error) {
      await discardScratch(database, scratch, log);
      throw error;
    }
  });
}

/** Everything that can be known to fail, before anything is made. `client` is connected to the maintenance database. */
async function check(client: pg.Client, request: RestoreRequest, manifest: Manifest, log: Logger) {
  const { database, environment, into } = request;
  const server = await readIdentity(client);
  await assertKnownDatabase(openStore(request.store), environment, { ...server, database: database.name });
  const target = await assertRestorable(client, manifest, log);
  await checks.assertMayReplace(client, into ?? database.name, manifest.properties.owner);
  const there = (await findDatabase(client, database.name)) !== undefined;
  if (into !== undefined) {
    if ((await findDatabase(client, into)) !== undefined)
      throw into === database.name ? ownName(request) : nameTaken(into);
    // What is there tells whether this is the environment's server.
    if (there) await checks.assertOwnEnvironment(database, environment);
  } else if (there) {
    await checks.assertReplaceable(database, environment, manifest.identity, log);
    await checks.assertUntied(client, database.name);
  }
  await checks.assertRoom(
    client,
    database,
    checks.roomForCopy(manifest.databaseBytes),
    "the database is restored beside the old one",
    log,
  );
  if (manifest.needs.subscriptions.length > 0)
    log.warn(
      `subscriptions are not restored, make them anew where they are wanted: ${manifest.needs.subscriptions.join(", ")}`,
    );
  return target;
}

/** To drop it is no way to restore into it. */
function ownName({ environment, database: { name } }: RestoreRequest): PipelineError {
  return new PipelineError({
    code: "TARGET_EXISTS",
    kind: "refused",
    message: `"${name}" is the database of "${environment}" itself; with --into a backup is restored into a new one, beside it.`,
    state: `"${name}" is as it was, and nothing was restored.`,
    next: "To put the backup in its place, which keeps the one that is there under another name, run the command without --into; to look at it first, name another one: --into look.",
  });
}
