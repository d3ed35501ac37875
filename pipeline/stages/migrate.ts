import type { StageContext } from "../context.js";
import type { MigrateRequest, MigrateResult, PhysicalBackup } from "../contracts.js";
import { assertEvidenceApproved } from "../gate/raised.js";
import { type Applied, lockLost } from "../migrating/failure.js";
import { predictedMs } from "../migrating/rehearsed.js";
import { applyWithRetry } from "../migrating/withRetry.js";
import { withClient } from "../postgres/connection.js";
import { assertEnvironment, assertSameDatabase, readIdentity } from "../postgres/identity.js";
import { RestorePoints } from "../postgres/restorePoint.js";
import { findDamageElsewhere } from "../recovery/archived.js";
import { withPipelineLock } from "../postgres/pipelineLock.js";
import { type AdvisoryLock, withAdvisoryLock } from "../prisma/advisoryLock.js";
import { clearFailed } from "../prisma/apply.js";
import { assertDeployable } from "../prisma/deployable.js";
import { compareHistory, readHistory } from "../prisma/history.js";
import { readMigrations } from "../prisma/migrations.js";
import { loadSchema } from "../prisma/schema.js";
import { settleInterrupted } from "../prisma/settle.js";
import { AvailabilityProbe, describeAvailability } from "../probe/availability.js";
import { assertKnownDatabase } from "../store/knownDatabase.js";
import { damaged } from "../store/manifest.js";
import { openStore } from "../store/open.js";
import { verifyBackup } from "../store/verifyBackup.js";
import { assertStillOpen } from "../window/assert.js";
import { stamp } from "./stamp.js";
import { assertRehearsed, assertThisRunsBackup, assertThisRunsRehearsal } from "./thisRun.js";

/**
 * Applies the pending migrations, each whole or not at all, behind a backup that was just made and proved by a rehearsal; measures
 * meanwhile what the application meets.
 *
 * @throws PipelineError of kind `refused` or `failedUnchanged` where nothing was applied, `failedChanged` where earlier
 * migrations of this run were.
 */
export async function migrate(request: MigrateRequest, context: StageContext): Promise<MigrateResult> {
  const started = Date.now();
  await assertProved(request, context);
  const probe = new AvailabilityProbe(request.database, { settings: request.settings, log: context.log });
  const applied = await probe.noting(context, "migrate", () =>
    withPipelineLock(request.database, "migrate", () =>
      withAdvisoryLock(request.database, request.settings.migrate.advisoryLockWaitMs, (lock) =>
        applyPending(request, context, lock, probe),
      ),
    ),
  );
  const availability = probe.seen();
  return {
    stage: "migrate",
    ...stamp(request, started),
    backup: request.backup.id,
    applied,
    ...(availability === undefined ? {} : { availability }),
  };
}

/**
 * @throws PipelineError where backup or rehearsal is not this run's, or the backup's files do not hold. The rehearsal has just read
 * every byte of them; only where there was none are they read here.
 */
async function assertProved(request: MigrateRequest, { log, signal }: StageContext): Promise<void> {
  const { backup, rehearsal, environment } = request;
  assertThisRunsBackup(request, backup);
  assertThisRunsRehearsal(request, backup, rehearsal);
  const read = rehearsal.verdict === "proved" ? "manifest" : "content";
  const options = { read, signal } as const;
  const verified = await verifyBackup(openStore(request.store), environment, backup.id, backup.manifestSha256, options);
  if (read === "content" && verified.physical !== undefined) await assertHolds(backup.id, verified.physical, signal);
  log.info(
    read === "manifest"
      ? `backup ${backup.id} was restored in the rehearsal`
      : `backup ${backup.id} holds: every file has its checksum`,
  );
}

/** @throws PipelineError (`BACKUP_DAMAGED`) where a backup that lies elsewhere than in the store does not hold. */
async function assertHolds(id: string, physical: PhysicalBackup, signal: AbortSignal): Promise<void> {
  const damage = await findDamageElsewhere(physical, signal);
  if (damage !== undefined) throw damaged(`backup ${id}`, damage);
}

const settledAs = {
  applied: "the server had finished it, and it counts as applied",
  cleared: "nothing of it is left, and it is applied again",
} as const;

async function applyPending(
  request: MigrateRequest,
  context: StageContext,
  lock: AdvisoryLock,
  probe: AvailabilityProbe,
): Promise<Applied[]> {
  const { database, project } = request;
  const { log } = context;
  const folder = await readMigrations(project.migrations);
  const schema = await loadSchema(project.schema, database.schema);
  const history = await withClient(database, { applicationName: "safe-migration migrate" }, async (client) => {
    await assertEnvironment(client, request.environment);
    const identity = await readIdentity(client);
    assertSameDatabase(request.backup.identity, identity);
    await assertKnownDatabase(openStore(request.store), request.environment, identity);
    const found = compareHistory(folder, await readHistory(client, schema));
    assertDeployable(found, folder, request.environment);
    assertRehearsed(request.rehearsal, found.pending);
    assertEvidenceApproved(request, request.rehearsal, found.pending);
    assertStillOpen(request, found.pending.length, predictedMs(request.rehearsal, found.pending));
    const settled = await settleInterrupted(client, folder, found.failed, schema);
    for (const { name, state } of settled) log.info(`${name} was stopped in its one statement: ${settledAs[state]}`);
    return settled.length === 0 ? found : compareHistory(folder, await readHistory(client, schema));
  });
  for (const { name } of history.failed) {
    await clearFailed(database, project, name);
    log.info(`${name}: an earlier attempt was stopped and had changed nothing; its row is marked as rolled back`);
  }
  const applied: Applied[] = [];
  const points = new RestorePoints(database, request.run, log);
  for (const [at, { name, checksum }] of history.pending.entries()) {
    log.progress(`applying ${name}`, at / history.pending.length);
    if (!lock.isHeld()) throw lockLost(name, applied, request.backup);
    const restorePoint = await points.before(name);
    const { durationMs, attempts } = await applyWithRetry(request, context, { folder, schema }, name, applied, probe);
    applied.push({ name, checksum, durationMs, attempts, ...(restorePoint === undefined ? {} : { restorePoint }) });
    log.info(`${name} applied`, { ms: durationMs, ...(attempts > 1 ? { attempts } : {}) });
  }
  const seen = probe.seen();
  if (seen !== undefined) log.info(describeAvailability(seen));
  if (applied.length === 0) log.info("nothing is pending: the database is at its newest migration");
  return applied;
}
