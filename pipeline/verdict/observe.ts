import type { StageContext } from "../context.js";
import type { Observed, StageRequest, Written } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { withClient } from "../postgres/connection.js";
import { fingerprintDatabase } from "../postgres/fingerprint.js";
import { assertEnvironment } from "../postgres/identity.js";
import { diffDrift } from "../prisma/drift.js";
import {
  type HistoryRow,
  appliedRows,
  compareHistory,
  isProvedUnchanged,
  isResumable,
  readHistory,
} from "../prisma/history.js";
import { type MigrationsFolder, readMigrations } from "../prisma/migrations.js";
import { loadSchema } from "../prisma/schema.js";
import { findWaysBack } from "../rollback/wayBack.js";
import { type ListedBackup, listBackups } from "../store/listBackups.js";
import { openStore } from "../store/open.js";
import { readProof } from "../store/proof.js";
import { columnsThen, tableChanges } from "./changes.js";
import { findMoment } from "./moment.js";

/** How a database is looked at. */
export interface Look {
  /** Identifier of the backup to compare with, or `newest`. */
  readonly backup: string;
  /** Whether every table is read, to know what was written since the backup. */
  readonly data: boolean;
  /** How long that may take, in milliseconds. Default: no limit. */
  readonly limitMs?: number;
}

/**
 * Looks at history, schema and data after a failure; only reads.
 *
 * @throws PipelineError where the server cannot be asked, or the database is another environment's.
 */
export async function observe(request: StageRequest, context: StageContext, look: Look): Promise<Observed> {
  const { database, environment, project } = request;
  const folder = await readMigrations(project.migrations);
  const schema = await loadSchema(project.schema, database.schema);
  const rows = await withClient(database, { applicationName: "safe-migration verdict" }, async (client) => {
    await assertEnvironment(client, environment);
    return readHistory(client, schema);
  });
  const history = compareHistory(folder, rows);
  const store = openStore(request.store);
  const backups = await listBackups(store, environment);
  const backup = backups.find(({ id }) => look.backup === "newest" || id === look.backup);
  const applied = appliedRows(rows);
  const failed = history.failed.filter((row) => !isProvedUnchanged(row) && !isResumable(row, folder));
  const since = backup === undefined ? [] : appliedSince(applied, backup);
  const { without } = await findWaysBack([...since].reverse(), folder);
  const proof = backup === undefined ? undefined : await readProof(store, environment, backup);
  const moment = await findMoment(request, context, [...since, ...failed]);
  const drift = await findDrift(request, context, folder, applied);
  return {
    applied: applied.map(({ name }) => name),
    pending: history.pending.map(({ name }) => name),
    failed: failed.map(({ name }) => name),
    astray: [...new Set([...history.edited, ...history.missing].map(({ name }) => name))],
    ...(drift === undefined ? {} : { drift }),
    ...(backup === undefined ? {} : { backup: seenBackup(backup, proof !== undefined) }),
    appliedSince: since.map(({ name }) => name),
    withoutWayBack: without.map(({ name, reason }) => `${name}: ${reason}`),
    written: await findWritten(request, context, look, backup),
    ...(moment === undefined ? {} : { moment }),
  };
}

function seenBackup({ id, created, manifest }: ListedBackup, proved: boolean): Observed["backup"] {
  const { physical, dbSnapshot } = manifest;
  return {
    id,
    made: created,
    proved,
    ...(physical === undefined ? {} : { method: physical.method }),
    ...(dbSnapshot === undefined ? {} : { dbSnapshot: dbSnapshot.identifier }),
  };
}

function appliedSince(applied: readonly HistoryRow[], { manifest }: ListedBackup): HistoryRow[] {
  const then = new Set(
    manifest.migrations.flatMap((row) => (row.finishedAt !== null && row.rolledBackAt === null ? [row.name] : [])),
  );
  return applied.filter(({ name }) => !then.has(name));
}

/** Only where the folder has all that is applied: otherwise there is nothing to compare with. */
async function findDrift(
  { database, environment, project }: StageRequest,
  { log, signal }: StageContext,
  folder: MigrationsFolder,
  applied: readonly HistoryRow[],
): Promise<string | undefined> {
  const names = applied.map(({ name }) => name);
  if (!names.every((name) => folder.migrations.some((migration) => migration.name === name))) return undefined;
  const found = await diffDrift(database, project, { applied: names, tolerant: true, environment, log, signal });
  return found.drifted ? found.summary : undefined;
}

/** What was written since a backup; `database` may be any of the cluster that has its tables. */
export async function findWritten(
  { database, environment, settings }: StageRequest,
  { log, signal }: StageContext,
  { data, limitMs }: Omit<Look, "backup">,
  backup: { readonly manifest: Pick<ListedBackup["manifest"], "fingerprints"> } | undefined,
): Promise<Written> {
  if (backup === undefined) return { known: false, reason: "there is no backup to compare with" };
  if (!data) return { known: false, reason: "the data was not compared, as nothing was applied" };
  const { algorithm, image, tables } = backup.manifest.fingerprints;
  const limit = limitMs === undefined ? undefined : AbortSignal.timeout(limitMs);
  try {
    const now = await fingerprintDatabase(database, {
      jobs: settings.backup.jobs,
      columns: columnsThen(tables),
      image,
      algorithm,
      lockTimeoutMs: 5_000,
      log,
      signal: limit === undefined ? signal : AbortSignal.any([signal, limit]),
    });
    return { known: true, changes: tableChanges(tables, now.tables) };
  } catch (error) {
    if (signal.aborted) throw error;
    const late = limit?.aborted === true;
    if (!late && !(error instanceof PipelineError)) throw error;
    return {
      known: false,
      reason: late
        ? `comparing it took longer than ${limitMs ?? 0} ms; ${npmRun(environment, "db:verdict")} takes its time`
        : messageOf(error),
    };
  }
}
