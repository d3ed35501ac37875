import type { StageContext } from "../context.js";
import type { MigrationRef, RefreshRequest } from "../contracts.js";
import { messageOf } from "../errors.js";
import { withClient } from "../postgres/connection.js";
import { compareHistory, readHistory } from "../prisma/history.js";
import { checksumMatches, readMigrations } from "../prisma/migrations.js";
import { loadSchema } from "../prisma/schema.js";
import { openStore } from "../store/open.js";
import { type Refreshed, recordRefreshed } from "../store/refreshed.js";

/** The migrations that came with the data (`history`), how many, and those of the folder that are still to be applied to it. */
export async function historyOf(
  { database, project }: RefreshRequest,
  scratch: string,
): Promise<{ applied: number; pending: string[]; history: MigrationRef[] }> {
  const folder = await readMigrations(project.migrations);
  const schema = await loadSchema(project.schema, database.schema);
  const options = { database: scratch, applicationName: "safe-migration refresh" };
  const { applied, pending } = await withClient(database, options, async (client) =>
    compareHistory(folder, await readHistory(client, schema)),
  );
  const history = applied.map(({ name, checksum, sql, row }) => ({
    name,
    checksum: checksumMatches(sql, row.checksum) ? checksum : row.checksum,
  }));
  return { applied: applied.length, pending: pending.map(({ name }) => name), history };
}

/** Notes in the store that it was refreshed. What is in place is in place, whether it can be noted or not. */
export async function noteRefreshed(
  { store, environment, source }: RefreshRequest,
  refreshed: Pick<Refreshed, "backup" | "applied">,
  { log }: StageContext,
): Promise<void> {
  const record = { at: new Date().toISOString(), source: source.environment, ...refreshed };
  await recordRefreshed(openStore(store), environment, record).catch((error: unknown) =>
    log.warn(`that it was refreshed could not be noted in the store, so a preview does not know: ${messageOf(error)}`),
  );
}
