import type { DbSnapshot } from "../contracts.js";
import { messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { withRds } from "./client.js";
import { deleteSnapshot, findSnapshot, markSnapshot } from "./snapshots.js";

/** Why a backup that is a DB snapshot cannot come back, or it is not known whether it can; `undefined`: RDS has it, complete. */
export async function findDamageInSnapshot(physical: DbSnapshot, signal: AbortSignal): Promise<string | undefined> {
  const { identifier, region } = physical;
  try {
    const found = await withRds(physical, "", signal, (rds) => findSnapshot(rds, identifier));
    if (found === undefined) return `DB snapshot ${identifier} is not in RDS in ${region}`;
    if (found.status !== "available") return `DB snapshot ${identifier} is "${found.status}"`;
    return found.encrypted ? undefined : `DB snapshot ${identifier} is not encrypted`;
  } catch (error) {
    signal.throwIfAborted();
    return `RDS cannot be asked for DB snapshot ${identifier}: ${messageOf(error)}`;
  }
}

/**
 * Deletes the DB snapshot of a backup that retention removes. It is marked first, so that a later run does what this one cannot.
 *
 * @param forget removes the backup from the store
 */
export async function retireSnapshot(
  physical: DbSnapshot,
  forget: () => Promise<void>,
  { log, signal }: { readonly log: Logger; readonly signal: AbortSignal },
): Promise<void> {
  const { identifier, region } = physical;
  await withRds(physical, "", signal, async (rds) => {
    const found = await findSnapshot(rds, identifier);
    if (found !== undefined) await markSnapshot(rds, found, "retired");
    await forget();
    if (found === undefined) return;
    await deleteSnapshot(rds, identifier).catch((error: unknown) => {
      log.warn(
        `DB snapshot ${identifier} in ${region}, whose backup is removed, could not be deleted (${messageOf(error)}); a later run does it`,
      );
    });
  });
}
