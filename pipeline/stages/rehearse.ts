import type { StageContext } from "../context.js";
import type { Database, RehearseRequest, RehearseResult } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { few } from "../few.js";
import { maintenanceDatabase, withClient } from "../postgres/connection.js";
import type { DatabaseProperties, Grant } from "../postgres/databaseProperties.js";
import type { Fingerprints } from "../postgres/fingerprints.js";
import { assertEnvironment, assertSameDatabase, readIdentity } from "../postgres/identity.js";
import { interrupted } from "../postgres/interrupt.js";
import { withPipelineLock } from "../postgres/pipelineLock.js";
import { assertNotMaintenance, assertRoom, rehearsalNeedsRoom, roomForCopy } from "../postgres/restoreChecks.js";
import { applyOwnership, createScratch, dropLeftovers } from "../postgres/scratch.js";
import { takeableProperties } from "../postgres/takeableSettings.js";
import { compareHistory, readHistory } from "../prisma/history.js";
import { readMigrations } from "../prisma/migrations.js";
import { loadSchema } from "../prisma/schema.js";
import { withCheckedBackup } from "../store/checkedBackup.js";
import type { DumpManifest, Manifest } from "../store/manifest.js";
import { openStore } from "../store/open.js";
import { assertRestorable, discardScratch, restoreInto } from "../store/restoreInto.js";
import { describeWaysBack } from "../rehearsal/describeBack.js";
import { rehearseMigrations } from "../rehearsal/migrations.js";
import { rehearsePhysical } from "../rehearsal/physical.js";
import type { Store } from "../store/store.js";
import { stamp } from "./stamp.js";
import { assertThisRunsBackup } from "./thisRun.js";

/**
 * Restores the backup that was just made into a scratch database and proves by the fingerprints that it holds what was dumped: a
 * backup is a backup once it has been restored. One that is no dump is recovered on a server of its own beside. Then applies the pending migrations to that copy, and proves that every value
 * that was there is still there, or that the migration declares what it does to it. The scratch database is dropped whatever happens; where this process is
 * killed, by the next run.
 *
 * @throws PipelineError where the backup is damaged, does not restore, or to something else, and where a migration fails or loses
 * data that it does not declare; the database is never changed.
 */
export async function rehearse(request: RehearseRequest, context: StageContext): Promise<RehearseResult> {
  const started = Date.now();
  const { backup, database } = request;
  assertThisRunsBackup(request, backup);
  assertNotMaintenance(database.name);
  try {
    return await withPipelineLock(database, `rehearse ${request.run}`, async () => {
      await onMaintenance(request, (client) => dropLeftovers(client, database.name, context.log));
      const skip = await reasonToSkip(request);
      const rehearsing = backup.physical === undefined ? rehearseOnCopy : rehearseRecovered;
      const made = skip === undefined ? await rehearsing(request, context) : skipped(skip);
      const result: RehearseResult = {
        stage: "rehearse",
        ...stamp(request, started),
        backup: backup.id,
        manifestSha256: backup.manifestSha256,
        ...made,
      };
      if (skip === undefined) context.log.info(`proved: ${result.summary}`);
      else context.log.warn(`no rehearsal: ${skip}`);
      return result;
    });
  } catch (error) {
    if (!context.signal.aborted || error instanceof PipelineError) throw error;
    throw interrupted(
      "The rehearsal",
      `"${database.name}" was not changed; the copy beside it is dropped, by the next run if not by this one.`,
      "Run the same command again.",
    );
  }
}

type Proof = Pick<Extract<RehearseResult, { verdict: "proved" }>, "verdict" | "summary" | "restored" | "migrations">;

function skipped(summary: string) {
  return { verdict: "skipped", summary } as const;
}

/** Why nothing is to be rehearsed; `undefined`: it is. */
async function reasonToSkip({ settings, project, database }: RehearseRequest): Promise<string | undefined> {
  const { mode, reason } = settings.rehearse;
  if (mode === "always") return undefined;
  if (mode === "never") return `rehearse.mode is never: ${reason}`;
  const folder = await readMigrations(project.migrations);
  const schema = await loadSchema(project.schema, database.schema);
  const { pending } = await withClient(database, { applicationName: "safe-migration rehearse" }, async (client) =>
    compareHistory(folder, await readHistory(client, schema)),
  );
  return pending.length > 0 ? undefined : "rehearse.mode is pending, and no migration is";
}

/** On a copy of a backup that is no dump, on a server of its own. */
async function rehearseRecovered(request: RehearseRequest, context: StageContext): Promise<Proof> {
  const { fingerprints, bytes, durationMs, migrations } = await rehearsePhysical(request, context);
  const restored = { ...countRows(fingerprints), bytes, durationMs };
  const where =
    request.backup.physical?.method === "snapshot"
      ? "on an instance that RDS restored from its DB snapshot"
      : "on a server that pgBackRest recovered beside";
  const summary = `${summarise(restored, migrations)}; ${where}`;
  return { verdict: "proved", restored, migrations, summary };
}

async function rehearseOnCopy(request: RehearseRequest, context: StageContext): Promise<Proof> {
  const started = Date.now();
  const { environment, backup, settings } = request;
  const { id, manifestSha256 } = backup;
  const { jobs } = settings.backup;
  const store = openStore(request.store);
  return withCheckedBackup(store, { environment, id, manifestSha256, jobs }, context, (manifest) =>
    rehearseChecked(request, context, store, manifest, started),
  );
}

async function rehearseChecked(
  request: RehearseRequest,
  { log, signal }: StageContext,
  store: Store,
  manifest: DumpManifest,
  started: number,
): Promise<Proof> {
  const { backup, database, environment } = request;
  const { jobs } = request.settings.backup;
  await withClient(database, { applicationName: "safe-migration rehearse" }, async (client) => {
    await assertEnvironment(client, environment);
    assertSameDatabase(manifest.identity, await readIdentity(client));
  });

  const { scratch, target } = await onMaintenance(request, async (client) => {
    const found = await assertRestorable(client, manifest, log);
    await assertRoom(client, database, roomForCopy(manifest.databaseBytes), rehearsalNeedsRoom, log);
    const properties = await takeableProperties(client, manifest.properties, log);
    const of = { of: database.name, backup: backup.id, purpose: "rehearse", properties } as const;
    return { scratch: await createScratch(client, of), target: found };
  });
  log.info(`restoring into "${scratch}", beside "${database.name}"`);
  try {
    const proof = { by: "rehearse", run: request.run } as const;
    await restoreInto(database, scratch, { store, manifest, target, jobs, proof, inert: true, log, signal });
    const restored = await measureCopy(request, manifest, scratch, started);
    await onMaintenance(request, (client) =>
      applyOwnership(client, scratch, ownersOnly(manifest.properties, database)),
    );
    const copy = { ...database, name: scratch };
    const migrations = await rehearseMigrations(request, { copy, manifest, log, signal });
    return { verdict: "proved", restored, migrations, summary: summarise(restored, migrations) };
  } finally {
    await discardScratch(database, scratch, log);
  }
}

async function measureCopy(request: RehearseRequest, manifest: Manifest, scratch: string, started: number) {
  const bytes = await onMaintenance(request, async (client) => {
    const { rows } = await client.query<{ bytes: string }>("SELECT pg_database_size($1) AS bytes", [scratch]);
    return Number(rows[0]?.bytes);
  });
  return { ...countRows(manifest.fingerprints), bytes, durationMs: Date.now() - started };
}

function countRows({ tables }: Fingerprints) {
  return { tables: tables.length, rows: tables.reduce((sum, { rows }) => sum + rows, 0) };
}

function summarise({ tables, rows, bytes, durationMs }: Proof["restored"], migrations: Proof["migrations"]): string {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const size = `${(bytes / 1_048_576).toFixed(0)} MB`;
  const restored = `the backup restores to the same ${rows} rows in ${tables} tables (${size}, ${seconds(durationMs)})`;
  if (migrations.length === 0) return `${restored}; no migration is pending`;
  const changes = migrations.flatMap((migration) => migration.changes);
  const took = seconds(migrations.reduce((sum, migration) => sum + migration.durationMs, 0));
  const kept =
    changes.length === 0
      ? "every value kept"
      : `every value kept but what they declare: ${few(changes, { separator: "; " })}`;
  const ran = migrations.filter(({ notCommitted }) => notCommitted?.tried !== false).length;
  const raised = migrations.flatMap(({ name, evidence }) =>
    evidence?.verdict === "raised" ? [`${name} is ${evidence.tier}, not ${evidence.asked}`] : [],
  );
  const risk = raised.length === 0 ? "" : `; by what was measured, ${few(raised)}`;
  return `${restored}; ${ran} migration(s) applied to it in ${took}, ${kept}${risk}; ${describeRest(migrations)}`;
}

/** What was not committed on the copy, and the ways back. */
function describeRest(migrations: Proof["migrations"]): string {
  const uncommitted = (tried: boolean) =>
    migrations.filter(({ notCommitted }) => notCommitted?.tried === tried).map(({ name }) => name);
  const [rolledBack, notRun] = [uncommitted(true), uncommitted(false)];
  return [
    ...(rolledBack.length > 0 ? [`in a transaction that was rolled back: ${few(rolledBack)}`] : []),
    ...(notRun.length > 0 ? [`not run in the rehearsal: ${few(notRun)}`] : []),
    describeWaysBack(migrations),
  ].join(", ");
}

/** The owner and rights of the original, so that migrations may do what they may do there; but nobody else connects. */
function ownersOnly(properties: DatabaseProperties, { user }: Database): DatabaseProperties {
  const { owner, grants } = properties;
  const kept = grants.filter(({ privilege, grantee }) => privilege !== "CONNECT" || grantee === owner);
  const own: Grant = { grantee: user, grantor: owner, privilege: "CONNECT", grantable: false };
  return { ...properties, grants: user === owner ? kept : [...kept, own] };
}

function onMaintenance<T>({ database, run }: RehearseRequest, work: Parameters<typeof withClient<T>>[2]): Promise<T> {
  const options = { database: maintenanceDatabase, applicationName: `safe-migration rehearse ${run}` };
  return withClient(database, options, work);
}
