import { PipelineError } from "../errors.js";
import type { Logger } from "../log.js";
import { listBackups } from "./listBackups.js";
import { dumpFolder, manifestName } from "./manifest.js";
import type { Staging, Store } from "./store.js";

/** How many backups one run makes at most. */
const mostOfOneRun = 1_000;

/** The identifiers that a run's backups get, in order: `run`, `run-2`, … */
export function backupIds(run: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => (at === 0 ? run : `${run}-${at + 1}`));
}

/** Takes the first identifier of the run that no backup has, complete or being made, and its folder. */
export async function claimBackup(
  store: Store,
  environment: string,
  run: string,
): Promise<{ id: string; staging: Staging }> {
  for (const id of backupIds(run, mostOfOneRun)) {
    const entries = await store.list(`${environment}/${id}`);
    if (entries.includes(manifestName) || entries.includes(`${dumpFolder}/`)) continue;
    try {
      return { id, staging: await store.stage(`${environment}/${id}/${dumpFolder}`) };
    } catch (error) {
      if (!(error instanceof PipelineError) || error.code !== "STORE_OCCUPIED") throw error;
    }
  }
  throw new PipelineError({
    code: "BACKUP_NAMES",
    kind: "refused",
    message: `Run ${run} has ${mostOfOneRun} backups already.`,
    state: "Nothing was touched.",
    next: "Run the same command with another run's name.",
  });
}

/**
 * Removes what a run that was killed left: the dump of a folder without a manifest, whose process has ended. Results and logs
 * in that folder stay.
 */
export async function dropPartials(store: Store, environment: string, log: Logger): Promise<void> {
  for (const entry of await store.list(environment)) {
    if (!entry.endsWith("/")) continue;
    const folder = `${environment}/${entry.slice(0, -1)}`;
    const entries = await store.list(folder);
    if (entries.includes(manifestName)) continue;
    if (!(await store.dropAbandoned(`${folder}/${dumpFolder}`))) continue;
    log.info(`removed the half backup that a stopped run left in ${store.urlOf(folder)}`);
    await dropIfEmpty(store, folder);
  }
}

/**
 * Which complete backups go: those beyond the `keep` newest; never the newest one, nor the one just made.
 *
 * @param ids newest first.
 */
export function beyond(ids: readonly string[], keep: number, justMade: string): string[] {
  return ids.slice(Math.max(1, keep)).filter((id) => id !== justMade);
}

/** @returns the identifiers of the backups that were removed. The manifest goes first: half removed is no backup. */
export async function applyRetention(
  store: Store,
  environment: string,
  keep: number,
  justMade: string,
  log: Logger,
): Promise<string[]> {
  const complete = await listBackups(store, environment);
  const removed = beyond(
    complete.map(({ id }) => id),
    keep,
    justMade,
  );
  for (const id of removed) {
    const folder = `${environment}/${id}`;
    await store.remove(`${folder}/${manifestName}`);
    await store.remove(`${folder}/${dumpFolder}`);
    await dropIfEmpty(store, folder);
    log.info(`removed backup ${id}: the newest ${keep} are kept`);
  }
  return removed;
}

async function dropIfEmpty(store: Store, folder: string): Promise<void> {
  if ((await store.list(folder)).length === 0) await store.remove(folder);
}
