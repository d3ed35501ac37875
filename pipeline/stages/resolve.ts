import type { StageContext } from "../context.js";
import type { ResolveRequest, ResolveResult } from "../contracts.js";
import { withClient } from "../postgres/connection.js";
import { assertEnvironment, readIdentity } from "../postgres/identity.js";
import { describeResolution, resolveMigration } from "../prisma/resolve.js";
import { assertKnownDatabase } from "../store/knownDatabase.js";
import { openStore } from "../store/open.js";
import { stamp } from "./stamp.js";

/**
 * `prisma:migrate:resolve` where the database is reached from: records what a person found about a migration.
 *
 * @throws PipelineError where the database is not the environment's own, or the migration is not what it is said to be.
 */
export async function resolve(request: ResolveRequest, { log }: StageContext): Promise<ResolveResult> {
  const started = Date.now();
  const { environment, database, store, found } = request;
  const identity = await withClient(database, { applicationName: "safe-migration resolve" }, async (client) => {
    await assertEnvironment(client, environment);
    return readIdentity(client);
  });
  await assertKnownDatabase(openStore(store), environment, identity);
  await resolveMigration(request, found);
  log.info(describeResolution(found));
  return { stage: "resolve", ...stamp(request, started), found };
}
