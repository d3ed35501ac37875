import type { StageContext } from "../context.js";
import type { MigrationRef, StageRequest, StatusResult } from "../contracts.js";
import { withClient } from "../postgres/connection.js";
import { assertEnvironment, readIdentity } from "../postgres/identity.js";
import { type HistoryRow, compareHistory, isProvedUnchanged, isResumable, readHistory } from "../prisma/history.js";
import { readMigrations } from "../prisma/migrations.js";
import { loadSchema } from "../prisma/schema.js";
import { scanBackups } from "../store/listBackups.js";
import { openStore } from "../store/open.js";
import { hoursSince, readProvedBackup } from "../store/provedAge.js";
import { stamp } from "./stamp.js";

/** The state things are in: both sides of the history, and the backups. Only reads. */
export async function status(request: StageRequest, _context: StageContext): Promise<StatusResult> {
  const started = Date.now();
  const folder = await readMigrations(request.project.migrations);
  const schema = await loadSchema(request.project.schema, request.database.schema);
  const seen = await withClient(request.database, { applicationName: "safe-migration status" }, async (client) => {
    await assertEnvironment(client, request.environment);
    return {
      identity: await readIdentity(client),
      history: compareHistory(folder, await readHistory(client, schema)),
    };
  });
  const { history, identity } = seen;
  const mayGoOn = (row: HistoryRow): boolean => isProvedUnchanged(row) || isResumable(row, folder);
  const ref = ({ name, checksum }: MigrationRef): MigrationRef => ({ name, checksum });
  const store = openStore(request.store);
  const { complete, damaged } = await scanBackups(store, request.environment);
  const proved = await readProvedBackup(store, request.environment);
  return {
    stage: "status",
    ...stamp(request, started),
    database: identity.database,
    systemIdentifier: identity.systemIdentifier,
    applied: history.applied.map(ref),
    pending: history.pending.map(ref),
    failed: history.failed.filter((row) => !mayGoOn(row)).map(({ name }) => name),
    stopped: history.failed.filter(mayGoOn).map(({ name }) => name),
    edited: history.edited.map(({ name }) => name),
    missing: history.missing.map(({ name }) => name),
    backups: complete.map(({ id, created, manifest: { physical } }) => ({
      id,
      created,
      ...(physical === undefined ? {} : { method: physical.method }),
    })),
    damaged: damaged.map(({ id }) => id),
    ...(proved === undefined ? {} : { proved: { ...proved, ageHours: hoursSince(proved.made, new Date()) } }),
  };
}
