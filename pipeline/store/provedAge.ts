import type { ProvedBackup } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { type ListedBackup, listBackups } from "./listBackups.js";
import { newestProved } from "./proof.js";
import type { Store } from "./store.js";

/** The newest backup that a restore has proved; `undefined` where none was. */
export async function readProvedBackup(store: Store, environment: string): Promise<ProvedBackup | undefined> {
  const found = await newestProved(store, environment);
  if (found === undefined) return undefined;
  const { backup, proof } = found;
  return { id: backup.id, made: backup.created, provedAt: proof.at, by: proof.by };
}

const hourMs = 3_600_000;

/** Hours since a moment, to a tenth. */
export function hoursSince(time: string, now: Date): number {
  return Math.round(((now.getTime() - Date.parse(time)) / hourMs) * 10) / 10;
}

/** The state of an environment's backups, as far as the gate goes by it. */
export interface BackupsSeen {
  /** Complete ones. */
  readonly complete: number;
  readonly proved: ProvedBackup | undefined;
}

/**
 * Why the backups are not proved enough; `undefined` where they are, where it is not asked (0), and before the first backup.
 *
 * @param maxHours `backup.maxProvedAgeHours` of the configuration.
 */
export function reasonUnproved({ complete, proved }: BackupsSeen, maxHours: number, now: Date): string | undefined {
  if (maxHours === 0 || complete === 0) return undefined;
  if (proved === undefined) return `none of the ${complete} complete backups was ever proved by a restore`;
  if (now.getTime() - Date.parse(proved.made) <= maxHours * hourMs) return undefined;
  return `the newest backup that was proved by a restore is ${proved.id}, made ${hoursSince(proved.made, now)} hours ago`;
}

/**
 * Holds a run to the age of the newest backup that is sure to come back, so that backups or rehearsals that fail silently do not
 * go on for long.
 *
 * @throws PipelineError (`BACKUPS_UNPROVED`, refused) with the command that proves the newest one.
 */
export async function assertProvedRecently(store: Store, environment: string, maxHours: number): Promise<void> {
  if (maxHours === 0) return;
  const backups = await listBackups(store, environment);
  const { length: complete } = backups;
  const proved = await readProvedBackup(store, environment);
  const reason = reasonUnproved({ complete, proved }, maxHours, new Date());
  if (reason === undefined) return;
  throw new PipelineError({
    code: "BACKUPS_UNPROVED",
    kind: "refused",
    message: `The backups of "${environment}" are not proved: ${reason}; backup.maxProvedAgeHours allows ${maxHours} hours.`,
    state: "Nothing was touched.",
    next: `Make a backup and prove it by restoring it beside: ${npmRun(environment, "db:backup")}, then ${proveCommand(environment, backups[0])}; and run the same command again.`,
  });
}

/** What proves the newest backup by restoring it beside, and takes away what that has made. */
export function proveCommand(environment: string, newest: ListedBackup | undefined): string {
  return newest?.manifest.physical?.method === "snapshot"
    ? `${npmRun(environment, "db:restore")}, then delete the instance, with the command that it prints`
    : `${npmRun(environment, "db:restore", "--into", "proof")}, then DROP DATABASE "proof"`;
}
