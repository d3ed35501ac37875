import type { StageContext } from "../context.js";
import type { BackupResult, MigrateRequest, MigrateResult } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { type Applied, lockLost } from "../migrating/failure.js";
import { applyWithRetry } from "../migrating/withRetry.js";
import { withClient } from "../postgres/connection.js";
import { assertEnvironment, assertSameDatabase, readIdentity } from "../postgres/identity.js";
import { withPipelineLock } from "../postgres/pipelineLock.js";
import { type AdvisoryLock, withAdvisoryLock } from "../prisma/advisoryLock.js";
import { clearFailed } from "../prisma/apply.js";
import { assertDeployable } from "../prisma/deployable.js";
import { compareHistory, readHistory } from "../prisma/history.js";
import { readMigrations } from "../prisma/migrations.js";
import { loadSchema } from "../prisma/schema.js";
import { settleInterrupted } from "../prisma/settle.js";
import { AvailabilityProbe, describeAvailability } from "../probe/availability.js";
import { openStore } from "../store/open.js";
import { verifyBackup } from "../store/verifyBackup.js";
import { assertStillOpen } from "../window/assert.js";
import { stamp } from "./stamp.js";

/**
 * Applies the pending migrations, each whole or not at all, behind a backup that was just made and still holds; measures meanwhile
 * what the application meets.
 *
 * @throws PipelineError of kind `refused` or `failedUnchanged` where nothing was applied, `failedChanged` where earlier
 * migrations of this run were.
 */
export async function migrate(request: MigrateRequest, context: StageContext): Promise<MigrateResult> {
  const started = Date.now();
  await assertBackup(request, request.backup, context);
  const probe = new AvailabilityProbe(request.database, { settings: request.settings, log: context.log });
  const applied = await withPipelineLock(request.database, "migrate", () =>
    withAdvisoryLock(request.database, request.settings.migrate.advisoryLockWaitMs, (lock) =>
      applyPending(request, context, lock, probe),
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

/** @throws PipelineError where the backup is not this run's, not of this database, or its files do not hold. */
async function assertBackup(request: MigrateRequest, backup: BackupResult, { log }: StageContext): Promise<void> {
  if (backup.run !== request.run || backup.environment !== request.environment) {
    throw new PipelineError({
      code: "NOT_THIS_RUNS_BACKUP",
      kind: "refused",
      message: `Backup ${backup.id} was made by run ${backup.run} of "${backup.environment}", not by run ${request.run} of "${request.environment}".`,
      state: "Nothing was touched.",
      next: "Run the whole pipeline again: it makes a backup and hands it to migrate.",
    });
  }
  await verifyBackup(openStore(request.store), request.environment, backup.id, backup.manifestSha256);
  log.info(`backup ${backup.id} holds: every file has its checksum`);
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
    assertSameDatabase(request.backup.identity, await readIdentity(client));
    const found = compareHistory(folder, await readHistory(client, schema));
    assertDeployable(found, folder, request.environment);
    assertStillOpen(request, found.pending.length);
    const settled = await settleInterrupted(client, folder, found.failed, schema);
    for (const { name, state } of settled) log.info(`${name} was stopped in its one statement: ${settledAs[state]}`);
    return settled.length === 0 ? found : compareHistory(folder, await readHistory(client, schema));
  });
  for (const { name } of history.failed) {
    await clearFailed(database, project, name);
    log.info(`${name}: an earlier attempt was stopped and had changed nothing; its row is marked as rolled back`);
  }
  const applied: Applied[] = [];
  for (const [at, { name, checksum }] of history.pending.entries()) {
    log.progress(`applying ${name}`, at / history.pending.length);
    if (!lock.isHeld()) throw lockLost(name, applied, request.backup);
    const { durationMs, attempts } = await applyWithRetry(request, context, { folder, schema }, name, applied, probe);
    applied.push({ name, checksum, durationMs, attempts });
    log.info(`${name} applied`, { ms: durationMs, ...(attempts > 1 ? { attempts } : {}) });
  }
  const seen = probe.seen();
  if (seen !== undefined) log.info(describeAvailability(seen));
  if (applied.length === 0) log.info("nothing is pending: the database is at its newest migration");
  return applied;
}
