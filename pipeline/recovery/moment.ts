import type { RestorePoint } from "../contracts.js";
import { PipelineError } from "../errors.js";
import type { BaseBackup } from "./archive.js";

/** A moment as PostgreSQL takes it for `recovery_target_time`. */
export function targetTime(at: Date): string {
  return `${at.toISOString().replace("T", " ").replace("Z", "")}+00`;
}

/**
 * The base backup that leads to a moment: the newest that was complete by then.
 *
 * @param backups oldest first
 * @param now by the server's clock
 * @throws PipelineError (`refused`) for a moment that has not been yet, or from before the first backup.
 */
export function baseFor(at: Date, backups: readonly BaseBackup[], now: Date): BaseBackup {
  if (at >= now)
    throw cannot(
      `${at.toISOString()} has not been yet: the server's clock says ${now.toISOString()}`,
      "Name a moment that is over.",
    );
  const base = backups.filter(({ completeMs }) => completeMs <= at.getTime()).at(-1);
  if (base !== undefined) return base;
  const [first] = backups;
  throw cannot(
    `${at.toISOString()} is before what is kept: ${first === undefined ? "there is no base backup" : `the oldest base backup was complete at ${new Date(first.completeMs).toISOString()}`}`,
    "Name a later moment, or restore a backup from before it (npm run db:restore -- --list).",
  );
}

/**
 * The newest base backup that leads to a restore point: one whose end is not behind it in the log.
 *
 * @param backups oldest first
 * @returns `undefined` where none is left: the archive keeps what it was told to, and no longer.
 */
export function baseForPoint({ lsn }: Pick<RestorePoint, "lsn">, backups: readonly BaseBackup[]) {
  return backups.filter(({ stop }) => stop !== undefined && placeInLog(stop) <= placeInLog(lsn)).at(-1);
}

/** A place in the log (`16/B374D848`) as a number, by which two can be compared. */
export function placeInLog(lsn: string): bigint {
  const [, high, low] = /^([0-9A-F]+)\/([0-9A-F]+)$/i.exec(lsn) ?? [];
  if (high === undefined || low === undefined) throw new Error(`not a place in the log: "${lsn}"`);
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

function cannot(reason: string, next: string): PipelineError {
  return new PipelineError({
    code: "MOMENT",
    kind: "refused",
    message: `The database cannot be recovered to that moment: ${reason}.`,
    state: "Nothing was touched.",
    next,
  });
}
