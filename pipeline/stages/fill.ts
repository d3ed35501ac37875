import type { StageContext } from "../context.js";
import type { FillRequest, FillResult, Identity } from "../contracts.js";
import { withClient } from "../postgres/connection.js";
import { listOwnTables } from "../postgres/fingerprintCatalogue.js";
import { markOrThrow, readIdentity } from "../postgres/identity.js";
import { acceptDatabase } from "../store/knownDatabase.js";
import { openStore } from "../store/open.js";
import type { Store } from "../store/store.js";
import { restore } from "./restore.js";
import { stamp } from "./stamp.js";

/** Whose word it is that the environment's database is another one, in the store's record. */
const word = "database.restoreFrom";

/**
 * Fills an environment's database that is new and empty, on another server than before, with a backup of the store: proved by its
 * fingerprints as any restore, after which it is the environment's. One that holds a table is left as it is.
 *
 * @throws PipelineError where the database is not marked as the environment's, or the backup does not restore; the store's record
 * of which database is the environment's is as it was then.
 */
export async function fill(request: FillRequest, context: StageContext): Promise<FillResult> {
  const started = Date.now();
  const { database, environment } = request;
  const { identity, tables } = await withClient(
    database,
    { applicationName: "safe-migration fill" },
    async (client) => {
      await markOrThrow(client, environment);
      return { identity: await readIdentity(client), tables: await listOwnTables(client) };
    },
  );
  if (tables.length > 0) {
    context.log.info(`"${database.name}" holds ${tables.length} tables: it is left as it is`);
    return { stage: "fill", ...stamp(request, started) };
  }
  const done = await accepted(openStore(request.store), environment, identity, () => restore(request, context));
  const filled = { backup: done.backup, tables: done.tables, rows: done.rows };
  return { stage: "fill", ...stamp(request, started), filled };
}

/** Has the database be the environment's from now on, and for the restore; where that fails, it is the one before again. */
async function accepted<T>(store: Store, environment: string, now: Identity, work: () => Promise<T>): Promise<T> {
  const before = await acceptDatabase(store, environment, now, word);
  try {
    return await work();
  } catch (error) {
    if (before !== undefined) await acceptDatabase(store, environment, before, `${word}, which failed`);
    throw error;
  }
}
