import type { StageContext } from "../context.js";
import { type BackupResult, type FindBackupRequest, backupResult } from "../contracts.js";
import { listBackups } from "../store/listBackups.js";
import { openStore } from "../store/open.js";
import { noBackup } from "../store/verifyBackup.js";

/**
 * What the stage that made a backup said of it, from where the store is reached: for a run that is to stand on a backup made just
 * before.
 *
 * @throws PipelineError where there is no such complete backup, or its run left no result.
 */
export async function findBackup(request: FindBackupRequest, _context: StageContext): Promise<BackupResult> {
  const { environment, backup: wanted } = request;
  const store = openStore(request.store);
  const complete = await listBackups(store, environment);
  const found = wanted === "newest" ? complete[0] : complete.find(({ id }) => id === wanted);
  const recorded = found && (await store.read(`${environment}/${found.id}/backup.json`));
  const parsed = recorded === undefined ? undefined : backupResult.safeParse(resultIn(recorded));
  if (parsed?.success === true) return parsed.data;
  throw await noBackup(store, environment, wanted === "newest" ? "backup" : `backup "${wanted}"`);
}

function resultIn(text: string): unknown {
  const outcome: unknown = JSON.parse(text);
  return typeof outcome === "object" && outcome !== null && "result" in outcome ? outcome.result : undefined;
}
