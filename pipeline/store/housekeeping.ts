import type { DbSnapshot } from "../contracts.js";
import { PipelineError } from "../errors.js";
import type { Logger } from "../log.js";
import { npmRun } from "../npmRun.js";
import { retireSnapshot } from "../rds/kept.js";
import { Archived } from "../recovery/archived.js";
import { checkpointId } from "./checkpoint.js";
import { type ListedBackup, listBackups } from "./listBackups.js";
import { dumpFolder, manifestName } from "./manifest.js";
import { newestProved, proofName } from "./proof.js";
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
 * Takes the place of a checkpoint, of which there is one for a name.
 *
 * @throws PipelineError where there is one of that name, complete, damaged or being made.
 */
export async function claimCheckpoint(
  store: Store,
  environment: string,
  name: string,
): Promise<{ id: string; staging: Staging }> {
  const id = checkpointId(name);
  const entries = await store.list(`${environment}/${id}`);
  if (entries.includes(manifestName)) throw checkpointThere(environment, name);
  return { id, staging: await store.stage(`${environment}/${id}/${dumpFolder}`) };
}

function checkpointThere(environment: string, name: string): PipelineError {
  return new PipelineError({
    code: "CHECKPOINT_EXISTS",
    kind: "refused",
    message: `There is a checkpoint "${name}" of "${environment}" already; a checkpoint is never replaced.`,
    state: "Nothing was touched.",
    next: `Choose another name (npm run db:restore -- --list shows them all), or remove that one: ${npmRun(environment, "db:checkpoint", "--remove", name)}`,
  });
}

/**
 * Removes a checkpoint; nothing else ever does. The manifest goes first: half removed is no backup.
 *
 * @returns its backup's identifier.
 * @throws PipelineError where there is none of that name, or nothing else could be restored afterwards.
 */
export async function removeCheckpoint(store: Store, environment: string, name: string): Promise<string> {
  const id = checkpointId(name);
  const folder = `${environment}/${id}`;
  if (!(await store.list(folder)).includes(manifestName)) {
    const names = (await listBackups(store, environment)).flatMap(({ manifest }) => manifest.checkpoint ?? []);
    throw new PipelineError({
      code: "NO_CHECKPOINT",
      kind: "refused",
      message: `There is no checkpoint "${name}" of "${environment}" in ${store.url}; there are: ${names.join(", ") || "none"}.`,
      state: "Nothing was removed.",
      next: `Name one of these; ${npmRun(environment, "db:restore", "--list")} shows them with the other backups.`,
    });
  }
  const others = (await listBackups(store, environment)).filter((backup) => backup.id !== id);
  if (others.length === 0)
    throw new PipelineError({
      code: "LAST_BACKUP",
      kind: "refused",
      message: `Checkpoint "${name}" is the only complete backup of "${environment}": without it nothing could be restored.`,
      state: "Nothing was removed.",
      next: `Make another one first: ${npmRun(environment, "db:backup")}; then run the same command.`,
    });
  await store.remove(`${folder}/${manifestName}`);
  await store.remove(`${folder}/${dumpFolder}`);
  await store.remove(`${folder}/${proofName}`);
  await dropIfEmpty(store, folder);
  return id;
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

export interface Retention {
  /** How many are kept. */
  readonly keep: number;
  readonly justMade: string;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Checkpoints are neither counted nor removed, nor is the newest backup that a restore has proved. A backup that lies in an archive goes
 * with what the archive had of it; a DB snapshot with its backup.
 *
 * @returns the identifiers of the backups that were removed. The manifest goes first: half removed is no backup.
 */
export async function applyRetention(
  store: Store,
  environment: string,
  { keep, justMade, log, signal }: Retention,
): Promise<string[]> {
  const complete = await listBackups(store, environment);
  const counted = complete.filter(({ manifest }) => manifest.checkpoint === undefined);
  const ids = counted.map(({ id }) => id);
  const why = new Map(beyond(ids, keep, justMade).map((id) => [id, `the newest ${keep} are kept`]));
  const archived = new Archived(signal);
  for (const { id, manifest } of counted)
    if (
      manifest.physical !== undefined &&
      id !== justMade &&
      !why.has(id) &&
      (await archived.isGone(manifest.physical))
    )
      why.set(id, "no base backup in the archive leads to it any more");
  const proved = why.size === 0 ? undefined : await newestProved(store, environment);
  // A newer one may not come back: it is not known yet.
  if (proved !== undefined) why.delete(proved.backup.id);
  for (const [id, reason] of why) {
    const atRds = dbSnapshotOf(counted.find((backup) => backup.id === id));
    const forget = () => forgetBackup(store, `${environment}/${id}`);
    if (atRds !== undefined) await retireSnapshot(atRds, forget, { log, signal });
    else await forget();
    log.info(`removed backup ${id}: ${reason}`);
  }
  return [...why.keys()];
}

/** Whether a backup is in the store, or is being made by somebody else than `own` this moment. */
export async function isBackupThere(store: Store, environment: string, id: string, own: string): Promise<boolean> {
  const entries = await store.list(`${environment}/${id}`);
  return entries.includes(manifestName) || (id !== own && entries.includes(`${dumpFolder}/`));
}

/** The DB snapshot that a backup is, or that was made beside it. */
function dbSnapshotOf(backup: ListedBackup | undefined): DbSnapshot | undefined {
  const { physical, dbSnapshot } = backup?.manifest ?? {};
  return physical?.method === "snapshot" ? physical : dbSnapshot;
}

/** The manifest goes first: half removed is no backup. */
async function forgetBackup(store: Store, folder: string): Promise<void> {
  await store.remove(`${folder}/${manifestName}`);
  await store.remove(`${folder}/${dumpFolder}`);
  await dropIfEmpty(store, folder);
}

async function dropIfEmpty(store: Store, folder: string): Promise<void> {
  if ((await store.list(folder)).length === 0) await store.remove(folder);
}
