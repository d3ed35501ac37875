import type { StageContext } from "../context.js";
import type { RollbackResult, StageRequest } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { retrying } from "../migrating/retrying.js";
import { describeSessions } from "../postgres/sessions.js";
import type { AdvisoryLock } from "../prisma/advisoryLock.js";
import { MigrationFailure } from "../prisma/apply.js";
import { takeBack } from "../prisma/takeBack.js";
import type { AvailabilityProbe } from "../probe/availability.js";
import type { WayBack } from "./wayBack.js";

export type TakenBack = RollbackResult["takenBack"][number];

/**
 * Takes migrations back, one after the other, each whole or not at all, under the same limits as they were applied: lock timeout
 * with retries, statement timeout, availability budget. The caller holds the pipeline's lock and Prisma's.
 *
 * @param backup the identifier of the backup that was made before. @param probe measures what the application meets meanwhile.
 * @throws PipelineError of kind `failedUnchanged` where none was taken back, `failedChanged` where some were.
 */
export async function takeAllBack(
  request: StageRequest,
  context: StageContext,
  ways: readonly WayBack[],
  { backup, lock, probe }: { readonly backup: string; readonly lock: AdvisoryLock; readonly probe: AvailabilityProbe },
): Promise<TakenBack[]> {
  const { database, settings, environment } = request;
  const { log } = context;
  const done: TakenBack[] = [];
  for (const [at, { name, checksum, down }] of ways.entries()) {
    log.progress(`taking ${name} back`, at / ways.length);
    if (!lock.isHeld()) throw lockLost(name, done, backup);
    const watch = await probe.watch(down.sql);
    try {
      const took = await retrying(
        { name, settings: settings.migrate, context, watch, database, locks: [] },
        {
          run: (limits) => takeBack(database, name, down, { ...limits, log }),
          undone: () => Promise.resolve(),
          failed: (error, told) =>
            error instanceof MigrationFailure
              ? failed(error, {
                  done,
                  backup,
                  environment,
                  blockers: told?.blockers ?? [],
                  stopped: context.signal.aborted,
                })
              : error,
        },
      );
      done.push({ name, checksum, downChecksum: down.checksum, ...took });
      log.info(`${name} taken back`, {
        ms: took.durationMs,
        ...(took.attempts > 1 ? { attempts: took.attempts } : {}),
      });
    } finally {
      await watch.stop();
    }
  }
  return done;
}

interface Told {
  readonly done: readonly TakenBack[];
  readonly backup: string;
  readonly environment: string;
  readonly blockers: Parameters<typeof describeSessions>[0];
  readonly stopped: boolean;
}

function failed(error: MigrationFailure, { done, backup, environment, blockers, stopped }: Told): PipelineError {
  const { migration, rolledBackWhole, fateUnknown } = error;
  const own = rolledBackWhole
    ? `${migration} is applied, as before: its down.sql was rolled back whole.`
    : fateUnknown
      ? `Whether ${migration} was taken back is not known, since the server could not be asked: it was, whole, or not at all.`
      : `The down.sql of ${migration} does not run in one transaction: statements before the one that failed may have been applied; the history has it as applied.`;
  const restore = npmRun(environment, "db:restore", "--backup", backup);
  const waited = blockers.length > 0 ? `\nIt waited for: ${describeSessions(blockers)}.` : "";
  const unchanged = rolledBackWhole && done.length === 0;
  return new PipelineError(
    {
      code: error.lockTimeout ? "LOCK_TIMEOUT" : "ROLLBACK_FAILED",
      kind: stopped && rolledBackWhole && unchanged ? "interrupted" : unchanged ? "failedUnchanged" : "failedChanged",
      message: `${migration} could not be taken back: ${error.message}${waited}`,
      state: `${own} ${described(done)} Backup ${backup} holds the state before this rollback.`,
      next: error.lockTimeout
        ? "End or wait for those sessions, then run the same command."
        : `Mend ${migration}/down.sql and run the same command; to be as before this rollback: ${restore}`,
    },
    { cause: error },
  );
}

function lockLost(name: string, done: readonly TakenBack[], backup: string): PipelineError {
  return new PipelineError({
    code: "MIGRATION_LOCK_LOST",
    kind: done.length > 0 ? "failedChanged" : "failedUnchanged",
    message: `${name} was not taken back: the session that held Prisma's lock was ended (the server restarted, or somebody ended it).`,
    state: `${described(done)} Backup ${backup} holds the state before this rollback.`,
    next: "Run the same command: it goes on with those that are left.",
  });
}

/** Which migrations were taken back, in a sentence. */
export function described(done: readonly TakenBack[]): string {
  return done.length === 0
    ? "No migration was taken back."
    : `Taken back, and no longer applied: ${done.map(({ name }) => name).join(", ")}.`;
}
