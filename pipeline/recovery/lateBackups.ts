import type { Database } from "../contracts.js";
import { messageOf } from "../errors.js";
import { type BaseBackup, readBaseBackups } from "./archive.js";

/** Base backups are made each night; one that failed is tried again. From this age on the newest is late, in hours. */
const lateHours = 50;

/**
 * Why the base backups are late; `undefined` where they are not. Without a new one, recovery takes longer each day; without any, the
 * log alone recovers nothing.
 *
 * @param backups oldest first
 */
export function describeLate(backups: readonly BaseBackup[], now: Date): string | undefined {
  const newest = backups.at(-1);
  if (newest === undefined) return "there is no base backup, without which the archived log recovers nothing";
  const hours = Math.round((now.getTime() - newest.completeMs) / 3_600_000);
  if (hours < lateHours) return undefined;
  return `the newest base backup of the server, ${newest.label}, is ${hours} hours old; one is made each night`;
}

/** Looks at the base backups of a server whose log is archived, where it is. @returns what is wrong with them, if anything is. */
export async function lookForLate({ archive }: Database, signal: AbortSignal): Promise<string | undefined> {
  if (archive === undefined) return undefined;
  try {
    return describeLate(await readBaseBackups(archive.stanza, signal), new Date());
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error);
  }
}
