import type { StageContext } from "../context.js";
import type { RollbackRequest, RollbackResult } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { withClient } from "../postgres/connection.js";
import { assertEnvironment, assertSameDatabase, readIdentity } from "../postgres/identity.js";
import { withPipelineLock } from "../postgres/pipelineLock.js";
import { assertWritable } from "../postgres/writable.js";
import { withAdvisoryLock } from "../prisma/advisoryLock.js";
import { clearFailed } from "../prisma/apply.js";
import { assertNoneFailed } from "../prisma/deployable.js";
import { diffDrift } from "../prisma/drift.js";
import { type HistoryRow, appliedRows, compareHistory, readHistory } from "../prisma/history.js";
import { readMigrations } from "../prisma/migrations.js";
import { loadSchema } from "../prisma/schema.js";
import { AvailabilityProbe } from "../probe/availability.js";
import { chooseTakenBack } from "../rollback/choose.js";
import { type TakenBack, described, takeAllBack } from "../rollback/run.js";
import { type WayBack, assertWayBack, findWaysBack } from "../rollback/wayBack.js";
import { assertKnownDatabase } from "../store/knownDatabase.js";
import { listBackups } from "../store/listBackups.js";
import { openStore } from "../store/open.js";
import { backup } from "./backup.js";
import { stamp } from "./stamp.js";

/**
 * Takes the newest migrations back with their `down.sql`, in reverse, behind a backup that it makes first. Where one of them has
 * no way back by SQL, none is taken back, and the command that restores instead is told.
 *
 * @throws PipelineError of kind `usage`, `refused` or `failedUnchanged` where nothing was changed; `failedChanged` where some were
 * taken back, or the schema is not afterwards what the migrations that are left make.
 */
export async function rollback(request: RollbackRequest, context: StageContext): Promise<RollbackResult> {
  const started = Date.now();
  const { steps: _steps, to: _to, ...base } = request;
  return withPipelineLock(request.database, `rollback ${request.run}`, async () => {
    const { ways, identity } = await decide(request);
    const names = ways.map(({ name }) => name);
    context.log.info(`to be taken back, in this order: ${names.join(", ")}`);
    const rest = new Set((await applied(request)).map(({ name }) => name));
    const drifted = await drift(request, context, [...rest]);
    const made = await backup(base, context);
    assertSameDatabase(identity, made.identity);
    const { advisoryLockWaitMs } = request.settings.migrate;
    const probe = new AvailabilityProbe(request.database, { settings: request.settings, log: context.log });
    const takenBack = await withAdvisoryLock(request.database, advisoryLockWaitMs, async (lock) => {
      // Somebody may have migrated while the backup was made.
      const again = await decide(request);
      assertSame(ways, again.ways);
      for (const { name } of again.stopped) await clearFailed(request.database, request.project, name);
      return probe.noting(context, "rollback", () =>
        takeAllBack(base, context, ways, { backup: made.id, lock, probe }),
      );
    });
    for (const name of names) rest.delete(name);
    const warnings = await checkAfterwards(request, context, { takenBack, rest: [...rest], drifted, backup: made.id });
    const newest = [...rest].at(-1);
    const availability = probe.seen();
    context.log.info(
      `${described(takenBack)} They are pending again: the next update applies them, unless their folders are removed or mended.`,
    );
    return {
      stage: "rollback",
      ...stamp(request, started),
      backup: made.id,
      takenBack,
      ...(newest === undefined ? {} : { newest }),
      ...(availability === undefined ? {} : { availability }),
      warnings,
    };
  });
}

/** Everything that can be known to fail, before anything is made. */
async function decide(request: RollbackRequest) {
  const { database, environment, project } = request;
  const folder = await readMigrations(project.migrations);
  const schema = await loadSchema(project.schema, database.schema);
  const { identity, rows } = await withClient(
    database,
    { applicationName: "safe-migration rollback" },
    async (client) => {
      await assertEnvironment(client, environment);
      await assertWritable(client);
      const identity = await readIdentity(client);
      await assertKnownDatabase(openStore(request.store), environment, identity);
      return { identity, rows: await readHistory(client, schema) };
    },
  );
  const { failed } = compareHistory(folder, rows);
  assertNoneFailed(failed, environment);
  const chosen = chooseTakenBack(rows, request, environment);
  const { ways, without } = await findWaysBack(chosen, folder);
  const oldest = chosen.at(-1)?.name ?? "";
  assertWayBack(without, oldest, await listBackups(openStore(request.store), environment), environment);
  return { identity, ways, stopped: failed };
}

async function applied({ database, project }: RollbackRequest): Promise<HistoryRow[]> {
  const schema = await loadSchema(project.schema, database.schema);
  return withClient(database, { applicationName: "safe-migration rollback" }, async (client) =>
    appliedRows(await readHistory(client, schema)),
  );
}

function assertSame(before: readonly WayBack[], now: readonly WayBack[]): void {
  const text = (ways: readonly WayBack[]) => ways.map(({ name, down }) => `${name} ${down.checksum}`).join();
  if (text(before) === text(now)) return;
  throw new PipelineError({
    code: "HISTORY_MOVED",
    kind: "refused",
    message: "What is to be taken back has changed while the backup was made: somebody migrated, or a file was edited.",
    state: "Nothing was taken back.",
    next: "Run the same command again.",
  });
}

/** What differs between the database and what these migrations make; `undefined` where nothing does. */
async function drift(
  { database, environment, project }: RollbackRequest,
  { log, signal }: StageContext,
  names: readonly string[],
): Promise<string | undefined> {
  const found = await diffDrift(database, project, { applied: names, tolerant: true, environment, log, signal });
  return found.drifted ? found.summary : undefined;
}

interface Afterwards {
  readonly takenBack: readonly TakenBack[];
  readonly rest: readonly string[];
  /** In what the database differed before. */
  readonly drifted: string | undefined;
  readonly backup: string;
}

/** @throws PipelineError (`DOWN_INCOMPLETE`) where the schema is not what the migrations that are left make. */
async function checkAfterwards(request: RollbackRequest, context: StageContext, done: Afterwards): Promise<string[]> {
  const now = await drift(request, context, done.rest);
  if (now === undefined) return [];
  if (done.drifted !== undefined) {
    const warning = `the database differed from its migrations before, and does now:\n${now}`;
    context.log.warn(warning);
    return [warning];
  }
  throw new PipelineError({
    code: "DOWN_INCOMPLETE",
    kind: "failedChanged",
    message: `The schema is not what it was before the migrations that were taken back: a down.sql is wrong.\n${now}`,
    state: `${described(done.takenBack)} Backup ${done.backup} holds the state before this rollback.`,
    next:
      "Undo that difference in the database and mend the down.sql; or be as before this rollback: " +
      npmRun(request.environment, "db:restore", "--backup", done.backup),
  });
}
