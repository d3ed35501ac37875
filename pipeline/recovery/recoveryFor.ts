import type { RestoreRequest } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { compareWithBackup } from "../store/compareWithBackup.js";
import type { Manifest } from "../store/manifest.js";
import { openStore } from "../store/open.js";
import { describeDifferences } from "../store/restoreInto.js";
import { verifyBackup } from "../store/verifyBackup.js";
import type { Recovered, Recovery } from "./recover.js";
import { stanzaOf } from "./stanza.js";

/**
 * What has to be recovered for a restore: a moment, or a backup whose data lies in an archive.
 *
 * @param chosen the backup, where it is one
 * @returns `undefined` where nothing has to be: the backup is a dump. `manifest` is that of a backup.
 */
export async function recoveryFor(
  request: RestoreRequest,
  chosen: string | undefined,
): Promise<(Recovery & { readonly manifest?: Manifest }) | undefined> {
  const { at, environment, store } = request;
  if (at !== undefined) return { stanza: stanzaOf({ ...request, at }), goal: { to: "moment", at: new Date(at) } };
  if (chosen === undefined) return undefined;
  const manifest = await verifyBackup(openStore(store), environment, chosen, undefined, { read: "manifest" });
  if (manifest.physical === undefined) return undefined;
  if (manifest.physical.method === "snapshot") throw new Error(`backup ${manifest.id} is restored by RDS`);
  const { stanza, restorePoint } = manifest.physical;
  return { stanza, goal: { to: "point", restorePoint }, manifest };
}

/** When what a recovery leads to was so. */
export function timeOf({ goal }: Recovery): string {
  return goal.to === "moment" ? goal.at.toISOString() : goal.restorePoint.at;
}

/** @throws PipelineError (`RESTORED_DIFFERS`) where a backup came back as something else than it was made of. */
export function assertAsMade(manifest: Manifest, { listed }: Recovered): void {
  const differences = compareWithBackup(manifest, listed.manifest.fingerprints);
  if (differences.length === 0) return;
  const { id, environment, physical, created } = manifest;
  throw new PipelineError({
    code: "RESTORED_DIFFERS",
    kind: "failedUnchanged",
    message: `Backup ${id} does not come back as what it was made of: ${describeDifferences(differences)}.`,
    state: "The database is as it was; what was recovered beside it is removed.",
    next: `Take another backup (${npmRun(environment, "db:restore", "--list")}), one that is proved; or what the log has of that moment, whatever the backup says: ${npmRun(environment, "db:restore:checkpoint", "--at", physical?.method === "pgbackrest" ? physical.restorePoint.at : created)}.`,
  });
}
