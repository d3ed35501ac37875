import type pg from "pg";
import type { StageContext } from "../context.js";
import type { MigrationRef, PreflightResult, StageRequest } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { describeDecision } from "../gate/describe.js";
import { assertApproved } from "../gate/refusal.js";
import { reviewOnDatabase } from "../gate/review.js";
import { summarise } from "../gate/summary.js";
import { assertArchiving, readArchiver } from "../postgres/archiver.js";
import { findBinaries } from "../postgres/binaries.js";
import { describeSessions, endingOf, findLongTransactions, findPreparedTransactions } from "../postgres/sessions.js";
import { readPassword, withClient } from "../postgres/connection.js";
import { assertEnvironment, readIdentity } from "../postgres/identity.js";
import { assertRoom, rehearsalNeedsRoom, roomForCopy } from "../postgres/restoreChecks.js";
import { scratchName } from "../postgres/scratchName.js";
import { assertWritable } from "../postgres/writable.js";
import { assertDeployable } from "../prisma/deployable.js";
import { diffDrift, diffSchema } from "../prisma/drift.js";
import { driftProof } from "../prisma/driftProof.js";
import { compareHistory, readHistory } from "../prisma/history.js";
import { type MigrationsFolder, readMigrations } from "../prisma/migrations.js";
import { describeOlderProperties } from "../prisma/olderSchema.js";
import { type PrismaSchema, loadSchema } from "../prisma/schema.js";
import { rdsOf, withRds } from "../rds/client.js";
import { assertSnapshotsPossible } from "../rds/instances.js";
import { archiveOf } from "../recovery/archived.js";
import { wantsDbSnapshot } from "../recovery/dbSnapshot.js";
import { assertRoomToRehearse } from "../recovery/copy.js";
import { lookForLate } from "../recovery/lateBackups.js";
import { readLive } from "../recovery/live.js";
import { noteFigures } from "../report/figures.js";
import { assertWindow } from "../window/assert.js";
import { assertKnownDatabase } from "../store/knownDatabase.js";
import { openStore } from "../store/open.js";
import { assertProvedRecently } from "../store/provedAge.js";
import { stamp } from "./stamp.js";

/**
 * Looks at everything that would make the run fail later, and refuses before anything is touched: the right database,
 * programs new enough, rights, a history that the folder continues, no drift, no risk that nobody has answered for.
 *
 * @throws PipelineError (kind `refused`) for the first thing that is wrong.
 */
export async function preflight(request: StageRequest, context: StageContext): Promise<PreflightResult> {
  const started = Date.now();
  const { database, project, settings } = request;
  const { log } = context;
  const folder = await readMigrations(project.migrations);
  const schema = await loadSchema(project.schema, database.schema);
  // The copies beside the database are connected to, too.
  await readPassword(database.password, { ...database, name: scratchName(database.name, "rehearse", request.run) });
  const older = describeOlderProperties(schema.olderProperties);
  if (older !== "") log.info(older);

  const seen = await withClient(database, { applicationName: "safe-migration preflight" }, async (client) => {
    await assertEnvironment(client, request.environment);
    await assertWritable(client);
    await assertRights(client, database.migrateAs);
    const identity = await readIdentity(client);
    await assertKnownDatabase(openStore(request.store), request.environment, identity);
    const archive = assertArchiving(await readArchiver(client), settings.preflight.archive);
    log.info(`connected to "${identity.database}"`, { server: identity.serverVersion });
    const { rows } = await client.query<{ bytes: string; version: number }>(
      "SELECT pg_database_size(current_database()) AS bytes, current_setting('server_version_num')::int AS version",
    );
    const bytes = Number(rows[0]?.bytes);
    const history = compareHistory(folder, await readHistory(client, schema));
    const { mode } = settings.rehearse;
    const rehearses = mode === "always" || (mode === "pending" && history.pending.length > 0);
    const { method } = settings.backup;
    if (method === "pgbackrest") archiveOf(request.environment, database);
    if (method === "snapshot") await assertSnapshots(request, context.signal);
    if (rehearses && method === "pgbackrest") await assertRoomToRehearse(settings, (await readLive(database)).bytes);
    else if (rehearses && method === "dump")
      await assertRoom(client, database, roomForCopy(bytes), rehearsalNeedsRoom, log);
    return {
      identity,
      bytes,
      serverMajor: Math.floor((rows[0]?.version ?? 0) / 10_000),
      history,
      archive,
      long: await findLongTransactions(client, settings.preflight.longTransactionSeconds),
      prepared: await findPreparedTransactions(client, settings.preflight.longTransactionSeconds),
    };
  });
  await findBinaries(seen.serverMajor);
  await assertProvedRecently(openStore(request.store), request.environment, settings.backup.maxProvedAgeHours);

  const warnings = assertDeployable(seen.history, folder, request.environment);
  warnings.push(...seen.archive);
  const late = await lookForLate(database, context.signal);
  if (late !== undefined) warnings.push(late);
  if (seen.long.length > 0) warnings.push(`long transactions may be in the way: ${describeSessions(seen.long)}`);
  if (seen.prepared.length > 0)
    warnings.push(
      `prepared transactions may be in the way, and nobody ends them by himself: ${describeSessions(seen.prepared)}. What ends them: ${endingOf(seen.prepared)}`,
    );
  const applied = seen.history.applied.map(({ name, checksum }) => ({ name, checksum }));
  const pending = seen.history.pending.map(({ name, checksum }) => ({ name, checksum }));
  const gate = await reviewOnDatabase(request, folder, new Set(pending.map(({ name }) => name)), seen.serverMajor);
  assertApproved(request.environment, gate);
  const risks = summarise(gate.decisions);
  const { method, snapshotBefore } = settings.backup;
  if (method === "dump" && wantsDbSnapshot(snapshotBefore, pending.length, risks))
    await assertSnapshots(request, context.signal);
  for (const decision of gate.decisions) if (decision.verdict.kind !== "safe") log.warn(describeDecision(decision));
  const drift = await checkDrift(request, context, { folder, schema, applied });
  // After it and not beside it: two of Prisma's engines at once have been seen to disturb each other.
  warnings.push(...drift.warnings, ...(await findSchemaAhead(request, context, schema)));
  for (const warning of warnings) log.warn(warning);
  const window = await assertWindow(request, pending.length, context);

  log.info(`${applied.length} migrations applied, ${pending.length} pending`, {
    pending: pending.map(({ name }) => name),
  });
  return {
    stage: "preflight",
    ...stamp(request, started),
    identity: seen.identity,
    databaseBytes: seen.bytes,
    applied,
    pending,
    warnings,
    risks,
    window,
    ...(await noteFigures(database, log, "safe-migration preflight", { most: 60 })),
    ...(drift.none === undefined ? {} : { noDrift: drift.none }),
  };
}

/** @throws PipelineError (`refused`) where RDS cannot be asked for DB snapshots, or its instance is not ready for one. */
async function assertSnapshots({ environment, database }: StageRequest, signal: AbortSignal): Promise<void> {
  await withRds(rdsOf(environment, database), environment, signal, assertSnapshotsPossible);
}

/** Migrations would be applied to tables that they do not know. */
function unmanaged(environment: string, summary: string): PipelineError {
  return new PipelineError({
    code: "UNMANAGED",
    kind: "refused",
    message: `The database has no history of migrations, and holds what none of them has made:\n${summary}`,
    state: "Nothing was touched.",
    next: `If this is the right database, make a first migration of what is there and record it as applied (docs/adopt.md, 3): npm run prisma:migrate:resolve -- --stack ${environment} --applied NAME; then run the same command.`,
  });
}

/** @throws PipelineError where a later stage would lack a right: making the shadow database, or acting as the owner. */
async function assertRights(client: pg.Client, migrateAs: string | undefined): Promise<void> {
  const { rows } = await client.query<{ role: string; creates: boolean; acts: boolean | null }>(
    `SELECT rolname AS role, rolsuper OR rolcreatedb AS creates,
            (SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = $1) AS acts
       FROM pg_roles WHERE rolname = current_user`,
    [migrateAs ?? null],
  );
  const rights = rows[0];
  if (rights?.creates !== true) {
    throw noRight(
      `role "${rights?.role ?? "?"}" may not create databases, which drift detection and restore need`,
      `ALTER ROLE "${rights?.role ?? "?"}" CREATEDB;`,
    );
  }
  if (migrateAs !== undefined && rights.acts !== true) {
    throw noRight(
      `role "${rights.role}" may not act as "${migrateAs}", which owns the application's objects`,
      `GRANT "${migrateAs}" TO "${rights.role}";`,
    );
  }
}

function noRight(reason: string, remedy: string): PipelineError {
  return new PipelineError({
    code: "MISSING_RIGHT",
    kind: "refused",
    message: `The pipeline lacks a right: ${reason}.`,
    state: "Nothing was touched.",
    next: `As a superuser run: ${remedy} Then run the same command.`,
  });
}

async function checkDrift(
  { database, environment, project, settings }: StageRequest,
  { log, signal }: StageContext,
  known: {
    readonly folder: MigrationsFolder;
    readonly schema: PrismaSchema;
    readonly applied: readonly MigrationRef[];
  },
): Promise<{ readonly warnings: string[]; readonly none?: string }> {
  const tolerant = settings.preflight.drift === "warn";
  const { folder, schema, applied } = known;
  const names = applied.map(({ name }) => name);
  const state = () =>
    withClient(database, { applicationName: "safe-migration preflight" }, (client) =>
      driftProof(client, applied, schema),
    );
  const before = await state();
  const options = { applied: names, folder, schema, tolerant, environment, log, signal };
  const drift = await diffDrift(database, project, options);
  // Of a database that was changed meanwhile, nothing is known but what was seen.
  if (!drift.drifted) return { warnings: [], ...((await state()) === before ? { none: before } : {}) };
  const message = `The database differs from what its ${applied.length} applied migrations make:\n${drift.summary}`;
  if (tolerant) return { warnings: [message] };
  if (names.length === 0) throw unmanaged(environment, drift.summary);
  throw new PipelineError({
    code: "DRIFT",
    kind: "refused",
    message,
    state: "Nothing was touched.",
    next:
      "Put the difference into a migration (npm run prisma:migrate:create -- --name NAME) or undo it in the database; " +
      "or accept it with preflight.drift: warn. Then run the same command.",
  });
}

/** A change of the Prisma schema that no migration makes: the application may ask for what is not there. */
async function findSchemaAhead(
  { database, environment, project }: StageRequest,
  { log, signal }: StageContext,
  schema: PrismaSchema,
): Promise<string[]> {
  const ahead = await diffSchema(database, project, { schema, environment, log, signal }).catch((error: unknown) => {
    // It is for a warning only. The comparison with the database tells of migrations that cannot be replayed, or the rehearsal.
    if (!(error instanceof PipelineError)) throw error;
    log.debug(`the Prisma schema was not compared with the migrations: ${error.message}`);
    return undefined;
  });
  if (ahead?.drifted !== true) return [];
  const make = npmRun("local", "prisma:migrate:create", "--name NAME");
  return [`The Prisma schema has changes that no migration makes (${make} writes one):\n${ahead.summary}`];
}
