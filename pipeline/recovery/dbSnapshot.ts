import { setMaxListeners } from "node:events";
import type { StageContext } from "../context.js";
import type { BackupRequest, DbSnapshot, RiskSummary, Settings } from "../contracts.js";
import { messageOf } from "../errors.js";
import { type Rds, rdsOf, withRds } from "../rds/client.js";
import { awaitReady } from "../rds/instances.js";
import { snapshotName } from "../rds/names.js";
import { beginSnapshot, completeSnapshot, discardSnapshot, markSnapshot, sweepSnapshots } from "../rds/snapshots.js";
import { allOrStop } from "../store/capture.js";
import { isBackupThere } from "../store/housekeeping.js";
import type { Store } from "../store/store.js";

/**
 * Whether a DB snapshot is made beside a dump.
 *
 * @param pending how many migrations are; `risks`: those of them that are more than safe
 */
export function wantsDbSnapshot(
  when: Settings["backup"]["snapshotBefore"],
  pending: number,
  risks: readonly Pick<RiskSummary, "tier">[],
): boolean {
  switch (when) {
    case "never":
      return false;
    case "always":
      return pending > 0;
    case "risky":
      return risks.some(({ tier }) => tier !== "safe");
    case "dangerous":
      return risks.some(({ tier }) => tier === "dangerous");
  }
}

/**
 * Has RDS make a DB snapshot while a backup is made. Each waits for the other; where one fails, the other is stopped, and there is
 * neither.
 *
 * @param work is given the DB snapshot, once it is complete, and what ends it
 * @throws PipelineError where RDS refuses or takes too long, and what `work` throws.
 */
export async function withDbSnapshot<T>(
  store: Store,
  { database, environment, run, settings }: BackupRequest,
  id: string,
  { log, signal: stopped }: StageContext,
  work: (dbSnapshot: Promise<DbSnapshot>, context: StageContext) => Promise<T>,
): Promise<T> {
  const place = rdsOf(environment, database);
  const stop = new AbortController();
  const signal = AbortSignal.any([stopped, stop.signal]);
  setMaxListeners(0, signal);
  return withRds(place, environment, signal, async (rds) => {
    await sweepSnapshots(rds, (backup) => isBackupThere(store, environment, backup, id), log);
    await awaitReady(rds, { settings: settings.backup, log, share: [0, 0.05], signal });
    const identifier = snapshotName(environment, id);
    const tags = { environment, instance: rds.instance, purpose: "making", backup: id, run } as const;
    try {
      await beginSnapshot(rds, identifier, tags);
      log.info(`RDS makes DB snapshot ${identifier} of ${rds.instance}, as a way back beside the backup`);
      const completing = completeSnapshot(rds, identifier, {
        settings: settings.backup,
        log,
        share: [0.05, 0.95],
        signal,
      });
      const dbSnapshot = completing.then(({ taken }): DbSnapshot => ({
        ...{ instance: rds.instance, region: rds.region, identifier },
        taken: (taken ?? new Date()).toISOString(),
      }));
      const [snapshot, , made] = await allOrStop(stop, [completing, dbSnapshot, work(dbSnapshot, { log, signal })]);
      await keep(rds, snapshot, log);
      return made;
    } catch (error) {
      await discardSnapshot(rds, identifier, log);
      throw error;
    }
  });
}

/** The backup is made: what fails from here on does not make it worse. */
async function keep(rds: Rds, snapshot: Parameters<typeof markSnapshot>[1], log: StageContext["log"]): Promise<void> {
  await markSnapshot(rds, snapshot, "backup").catch((reason: unknown) =>
    log.warn(`DB snapshot ${snapshot.identifier} could not be tagged as complete: ${messageOf(reason)}`),
  );
}
