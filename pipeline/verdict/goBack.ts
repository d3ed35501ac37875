import type { StageContext } from "../context.js";
import { type Observed, type StageRequest, restoreRequest } from "../contracts.js";
import { messageOf } from "../errors.js";
import { restore } from "../stages/restore.js";
import { listBackups } from "../store/listBackups.js";
import { openStore } from "../store/open.js";
import { findWritten } from "./observe.js";

/** What became of going back by itself. */
export interface WentBack {
  readonly done: boolean;
  /** In sentences, for the state that things are in. */
  readonly told: string;
}

/**
 * Why going back by itself would lose something, or cannot be done; `undefined`: every table holds what the backup holds, over
 * the columns that it had then.
 */
export function reasonToHalt({ backup, written }: Observed): string | undefined {
  if (backup === undefined) return "there is no backup to go back to";
  if (!written.known) return `what was written since the backup is not known: ${written.reason}`;
  const [first] = written.changes;
  if (first === undefined) return undefined;
  const more = written.changes.length - 1;
  const others = more > 0 ? `, and ${more} more tables differ` : "";
  return `it would lose what was written since the backup, by the migration itself or by others: ${first.table} ${first.message}${others}`;
}

/** Restores the run's backup, where that loses nothing; the database that was there is kept. */
export async function goBack(request: StageRequest, context: StageContext, seen: Observed): Promise<WentBack> {
  const halt = reasonToHalt(seen);
  if (halt !== undefined || seen.backup === undefined)
    return { done: false, told: `It was not gone back by itself (migrate.onFailure: rollback): ${halt ?? ""}.` };
  const { id } = seen.backup;
  const { environment, run, database, project, store, settings } = request;
  const base = { environment, run, database, project, store, settings };
  context.log.warn(`going back to backup ${id}, as migrate.onFailure says; nothing was written since`);
  try {
    const { kept } = await restore(restoreRequest.parse({ ...base, backup: id }), context);
    const meanwhile = kept === undefined ? "" : await writtenMeanwhile(base, context, id, kept);
    const where = kept === undefined ? "" : ` The database with the migrations is kept as "${kept}".`;
    return {
      done: true,
      told: `Backup ${id} was restored (migrate.onFailure: rollback): data and schema are those from before this run.${where}${meanwhile}`,
    };
  } catch (error) {
    return { done: false, told: `Going back to backup ${id} by itself failed: ${messageOf(error)}` };
  }
}

/** Whether somebody wrote between the comparison and the swap: it is in the database that is kept. */
async function writtenMeanwhile(
  request: StageRequest,
  context: StageContext,
  id: string,
  kept: string,
): Promise<string> {
  const backups = await listBackups(openStore(request.store), request.environment);
  const backup = backups.find((one) => one.id === id);
  const there = { ...request, database: { ...request.database, name: kept } };
  const written = await findWritten(there, context, { data: true }, backup);
  if (written.known && written.changes.length === 0) return "";
  const what = written.known
    ? written.changes.map(({ table, message }) => `${table} ${message}`).join("; ")
    : written.reason;
  return ` While it was restored somebody wrote, which is in the database that is kept: ${what}.`;
}
