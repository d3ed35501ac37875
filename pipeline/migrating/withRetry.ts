import type { StageContext } from "../context.js";
import type { MigrateRequest } from "../contracts.js";
import { messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { MigrationFailure, applyMigration, clearFailed } from "../prisma/apply.js";
import type { MigrationsFolder } from "../prisma/migrations.js";
import type { PrismaSchema } from "../prisma/schema.js";
import type { AvailabilityProbe } from "../probe/availability.js";
import { type Applied, afterOthers, migrationFailed } from "./failure.js";
import { rehearsedLocks, rehearsedMs, statementTimeoutFor } from "./rehearsed.js";
import { retrying } from "./retrying.js";

/** The project as it was read for this run. */
export interface LoadedProject {
  readonly folder: MigrationsFolder;
  readonly schema: PrismaSchema;
}

/**
 * Applies one migration, again after a lock timeout or a deadlock, while it is watched what the application meets meanwhile.
 *
 * @param before migrations that this run applied already.
 * @throws PipelineError
 */
export async function applyWithRetry(
  request: MigrateRequest,
  context: StageContext,
  project: LoadedProject,
  name: string,
  before: readonly Applied[],
  probe: AvailabilityProbe,
): Promise<{ durationMs: number; attempts: number }> {
  const sql = project.folder.migrations.find((migration) => migration.name === name)?.sql ?? "";
  const watch = await probe.watch(sql).catch((error: unknown) => {
    throw afterOthers(error, before, request.backup);
  });
  const { backup, database, project: sources, settings, rehearsal } = request;
  const tookMs = rehearsedMs(rehearsal, name);
  const statementTimeoutMs = statementTimeoutFor(tookMs, settings.migrate);
  const tightened = tookMs !== undefined && statementTimeoutMs < settings.migrate.statementTimeoutMs;
  if (tightened)
    context.log.info(`${name}: a statement may run for ${statementTimeoutMs} ms, as all took ${tookMs} ms on the copy`);
  const { folder, schema } = project;
  try {
    return await retrying(
      {
        name,
        settings: settings.migrate,
        context,
        watch,
        statementTimeoutMs,
        database,
        locks: rehearsedLocks(rehearsal, name),
      },
      {
        run: (limits) =>
          applyMigration(database, sources, folder, name, {
            ...limits,
            log: context.log,
            schema,
            environment: request.environment,
          }),
        // Where that fails, too, the row carries its proof, and the next run clears it.
        undone: () => clearFailed(database, sources, name).catch((why: unknown) => notCleared(context.log, why)),
        failed: (error, told) =>
          error instanceof MigrationFailure && told !== undefined
            ? migrationFailed(error, {
                ...told,
                before,
                backup,
                ...(tightened ? { rehearsed: { tookMs, statementTimeoutMs } } : {}),
              })
            : afterOthers(error, before, backup),
      },
    );
  } finally {
    await watch.stop();
  }
}

function notCleared(log: Logger, reason: unknown): void {
  log.warn(`the history row of the attempt could not be cleared; the next run does it: ${messageOf(reason)}`);
}
