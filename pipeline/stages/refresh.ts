import pg from "pg";
import type { StageContext } from "../context.js";
import type { Database, MigrationRef, RefreshRequest, RefreshResult } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { maintenanceDatabase, withClient } from "../postgres/connection.js";
import { type DatabaseProperties, readDatabaseProperties } from "../postgres/databaseProperties.js";
import { markOrThrow, readIdentity } from "../postgres/identity.js";
import { interrupted } from "../postgres/interrupt.js";
import { type PipelineLock, withPipelineLock } from "../postgres/pipelineLock.js";
import * as checks from "../postgres/restoreChecks.js";
import { applyOwnership, createScratch, dropLeftovers } from "../postgres/scratch.js";
import { type Swapped, swapDatabases } from "../postgres/swap.js";
import { takeableProperties } from "../postgres/takeableSettings.js";
import { anonymise } from "../refresh/anonymise.js";
import { readDeclared } from "../refresh/declared.js";
import { historyOf, noteRefreshed } from "../refresh/history.js";
import { type SourceBackup, assertDirection, readSource } from "../refresh/source.js";
import { withCheckedBackup } from "../store/checkedBackup.js";
import { assertKnownDatabase } from "../store/knownDatabase.js";
import type { DumpManifest, Manifest } from "../store/manifest.js";
import { openStore } from "../store/open.js";
import { assertRestorable, discardScratch, restoreInto } from "../store/restoreInto.js";
import { stamp } from "./stamp.js";

/** How long sessions of the old database are ended before the refresh gives up, in milliseconds. */
const swapPatienceMs = 30_000;

/**
 * Gives an environment the data of another one's newest proved backup (staging that of prod): restored beside into a database
 * that nobody else can connect to, compared with the fingerprints, anonymised, proved to be, and only then put in place by
 * rename. Owner, rights, settings and mark of the database stay the environment's own; the history of migrations comes with the data. What acts on
 * the world outside (credentials of foreign servers, subscriptions, event triggers, jobs) is left out.
 *
 * @throws PipelineError where the backup is not proved, too old or not whole, the database is not the environment's, or the data is
 * not anonymised; the database is as it was then.
 */
export async function refresh(request: RefreshRequest, context: StageContext): Promise<RefreshResult> {
  const started = Date.now();
  const { database, environment, anonymise: how } = request;
  assertDirection(request);
  checks.assertNotMaintenance(database.name);
  if ("sql" in how) await readDeclared(how.file, how.sql);
  else context.log.warn(`the data is not anonymised: ${how.notBecause}`);
  const source = await readSource(request);
  const { backup, proof } = source;
  context.log.info(`the newest proved backup of "${request.source.environment}" is ${backup.id}`, {
    made: backup.created,
    proved: proof.at,
  });
  try {
    return await withPipelineLock(database, `refresh ${request.run}`, async (lock) => {
      const { swapped, history, ...done } = await refreshFrom(request, context, source, lock);
      await noteRefreshed(request, { backup: backup.id, applied: history }, context);
      const { tables } = backup.manifest.fingerprints;
      const kept = swapped.kept ?? "";
      context.log.info(
        `"${database.name}" has the data of ${backup.id}; the database that was there is kept as "${kept}"`,
      );
      return {
        stage: "refresh",
        ...stamp(request, started),
        source: request.source.environment,
        backup: backup.id,
        made: backup.created,
        provedAt: proof.at,
        ...done,
        kept,
        dropKept: `DROP DATABASE ${pg.escapeIdentifier(kept)};`,
        tables: tables.length,
        rows: tables.reduce((sum, { rows }) => sum + rows, 0),
        swapMs: swapped.swapMs,
      };
    });
  } catch (error) {
    if (!context.signal.aborted || error instanceof PipelineError) throw error;
    throw interrupted(
      "The refresh",
      `"${database.name}" is as it was; what was restored beside it is dropped, by the next run if not by this one.`,
      `Run the same command again; npm run db:status shows the state of "${environment}".`,
    );
  }
}

interface Done extends Pick<RefreshResult, "anonymised" | "notAnonymised" | "applied" | "pending"> {
  readonly swapped: Swapped;
  /** The migrations that came with the data. */
  readonly history: MigrationRef[];
}

async function refreshFrom(
  request: RefreshRequest,
  context: StageContext,
  { store, backup }: SourceBackup,
  lock: PipelineLock,
): Promise<Done> {
  const { jobs } = request.settings.backup;
  const own = await ownDatabase(request, backup.manifest);
  const chosen = {
    environment: request.source.environment,
    id: backup.id,
    manifestSha256: backup.manifestSha256,
    jobs,
  };
  return withCheckedBackup(store, chosen, context, (manifest) =>
    refreshChecked(request, context, { store, manifest, own, lock }),
  );
}

/**
 * What the environment's database is now, and stays when its data is another one.
 *
 * @throws PipelineError where it is not there, has no mark or another environment's, or is on the server that the backup is of.
 */
async function ownDatabase(request: RefreshRequest, manifest: Manifest): Promise<DatabaseProperties> {
  const { database, environment } = request;
  return withClient(database, { applicationName: "safe-migration refresh" }, async (client) => {
    await markOrThrow(client, environment);
    const here = await readIdentity(client);
    await assertKnownDatabase(openStore(request.store), environment, here);
    if (here.systemIdentifier === manifest.identity.systemIdentifier)
      throw new PipelineError({
        code: "SAME_SERVER",
        kind: "refused",
        message: `The database of "${environment}" is on the server that the backup of "${manifest.environment}" was made of (system identifier ${here.systemIdentifier}).`,
        state: "Nothing was touched.",
        next: `Point the configuration of "${environment}" at a server of its own, then run the same command.`,
      });
    return readDatabaseProperties(client);
  });
}

interface Work extends Pick<SourceBackup, "store"> {
  readonly manifest: DumpManifest;
  readonly own: DatabaseProperties;
  readonly lock: PipelineLock;
}

async function refreshChecked(request: RefreshRequest, context: StageContext, work: Work): Promise<Done> {
  const { database } = request;
  const { log, signal } = context;
  const { store, manifest, own, lock } = work;
  const options = { database: maintenanceDatabase, applicationName: `safe-migration refresh ${request.run}` };
  return withClient(database, options, async (client) => {
    const target = await assertRestorable(client, manifest, log);
    await checks.assertMayReplace(client, database.name, own.owner);
    await checks.assertUntied(client, database.name);
    const why = "the backup is restored beside the database";
    await checks.assertRoom(client, database, checks.roomForCopy(manifest.databaseBytes), why, log);
    await dropLeftovers(client, database.name, log);
    // Text is sorted and compared as it was in the original; all else is the environment's own.
    const { encoding, collate, ctype, localeProvider, locale, icuRules } = manifest.properties;
    const taken = await takeableProperties(client, own, log);
    const { locale: _locale, icuRules: _icuRules, ...ownRest } = taken;
    const properties: DatabaseProperties = {
      ...ownRest,
      ...{ encoding, collate, ctype, localeProvider },
      ...(locale === undefined ? {} : { locale }),
      ...(icuRules === undefined ? {} : { icuRules }),
    };
    const of = { of: database.name, backup: manifest.id, purpose: "refresh", properties } as const;
    const scratch = await createScratch(client, of);
    log.info(`restoring into "${scratch}", beside "${database.name}"; nobody else can connect to it`);
    try {
      const { jobs } = request.settings.backup;
      await restoreInto(database, scratch, { store, manifest, target, jobs, inert: true, log, signal });
      const role = pg.escapeIdentifier(database.migrateAs ?? database.user);
      await client.query(`GRANT TEMPORARY ON DATABASE ${pg.escapeIdentifier(scratch)} TO ${role}`);
      const data = await anonymised(request, context, scratch);
      const history = await historyOf(request, scratch);
      await applyOwnership(client, scratch, properties);
      signal.throwIfAborted();
      lock.assertHeld();
      log.progress("putting it in place", 0.98);
      const swapped = await swapDatabases(database, { restored: scratch, properties, patienceMs: swapPatienceMs });
      return { ...data, ...history, swapped };
    } catch (error) {
      await discardScratch(database, scratch, log);
      throw error;
    }
  });
}

async function anonymised(request: RefreshRequest, context: StageContext, scratch: string) {
  const { anonymise: how } = request;
  if (!("sql" in how)) return { notAnonymised: how.notBecause };
  const copy: Database = { ...request.database, name: scratch };
  return { anonymised: await anonymise(copy, how, context) };
}
