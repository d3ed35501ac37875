import type { StageContext } from "../context.js";
import {
  type Observed,
  type RehearseResult,
  type StageRequest,
  restoreRequest,
  rollbackRequest,
} from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import { few } from "../few.js";
import { withClient } from "../postgres/connection.js";
import { readMigrations } from "../prisma/migrations.js";
import { rollback } from "../stages/rollback.js";
import { restore } from "../stages/restore.js";
import { listBackups } from "../store/listBackups.js";
import { openStore } from "../store/open.js";
import { findWritten } from "./observe.js";
import { whyNotBySql, writtenIntoAdded } from "./provedWayBack.js";

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
  if (backup.method === "snapshot")
    return "the backup is a DB snapshot, which RDS restores as an instance of its own beside this one";
  if (!written.known) return `what was written since the backup is not known: ${written.reason}`;
  const [first] = written.changes;
  if (first === undefined) return undefined;
  const more = written.changes.length - 1;
  const others = more > 0 ? `, and ${more} more tables differ` : "";
  return `it would lose what was written since the backup, by the migration itself or by others: ${first.table} ${first.message}${others}`;
}

/**
 * Goes back to what was before the run, where that loses nothing: by the `down.sql` that the run's rehearsal proved, which leaves what
 * was written since; else by restoring the run's backup, which keeps the database that was there.
 */
export async function goBack(
  request: StageRequest,
  context: StageContext,
  seen: Observed,
  rehearsal: RehearseResult | undefined,
): Promise<WentBack> {
  const { environment, run, database, project, store, settings } = request;
  const base = { environment, run, database, project, store, settings };
  const bySql = await takeBackBySql(base, context, seen, rehearsal);
  if (bySql.done) return bySql;
  const halt = bySql.halt ?? reasonToHalt(seen);
  if (halt !== undefined || seen.backup === undefined) {
    const told = `It was not gone back by itself (migrate.onFailure: rollback): ${halt ?? "there is no backup to go back to"}. Not by SQL either: ${bySql.told}.`;
    return { done: false, told };
  }
  return restoreBackup(base, context, seen.backup.id);
}

/** @returns `halt`: it was begun and broke, so that nothing else may be tried by itself. */
async function takeBackBySql(
  base: StageRequest,
  context: StageContext,
  seen: Observed,
  rehearsal: RehearseResult | undefined,
): Promise<WentBack & { readonly halt?: string }> {
  const why = await whyNotTakenBack(base, seen, rehearsal);
  if (why !== undefined) return { done: false, told: why };
  const names = few(seen.appliedSince);
  context.log.warn(`taking ${names} back by SQL, as migrate.onFailure says; the rehearsal proved the way`);
  try {
    const steps = seen.appliedSince.length;
    const request = rollbackRequest.parse({ ...base, run: runOfRollback(base.run), steps });
    const { backup } = await rollback(request, context);
    const told =
      `${names} was taken back with the down.sql that the rehearsal proved (migrate.onFailure: rollback): the schema is that from ` +
      `before this run, and what was written since is there. Backup ${backup} holds the state before that.`;
    return { done: true, told };
  } catch (error) {
    const told = `taking ${names} back failed: ${messageOf(error)}`;
    const unchanged = error instanceof PipelineError && error.kind !== "failedChanged";
    return { done: false, told, ...(unchanged ? {} : { halt: told }) };
  }
}

async function whyNotTakenBack(
  { environment, database, project, store }: StageRequest,
  seen: Observed,
  rehearsal: RehearseResult | undefined,
): Promise<string | undefined> {
  try {
    const folder = await readMigrations(project.migrations);
    const why = await whyNotBySql(rehearsal, seen, folder);
    if (why !== undefined) return why;
    const backup = (await listBackups(openStore(store), environment)).find(({ id }) => id === seen.backup?.id);
    if (backup === undefined) return "there is no backup to compare with";
    const options = { applicationName: "safe-migration verdict" };
    const lost = await withClient(database, options, (client) => writtenIntoAdded(client, backup.manifest));
    return lost === undefined ? undefined : `it would lose what was written since: ${lost}`;
  } catch (error) {
    return `what was written into what they added is not known: ${messageOf(error)}`;
  }
}

/** The rollback makes a backup, which needs a name of its own beside the run's. */
function runOfRollback(run: string): string {
  return `${run.slice(0, 58)}-back`;
}

async function restoreBackup(base: StageRequest, context: StageContext, id: string): Promise<WentBack> {
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
