import type { StageRequest } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { withClient } from "../postgres/connection.js";
import { assertEnvironment, readIdentity } from "../postgres/identity.js";
import { assertKnownDatabase } from "./knownDatabase.js";
import { openStore } from "./open.js";

/**
 * Looks, before something is stopped or made, whether the database that is there is the environment's own. One that is gone is no
 * error: it is what going back is for.
 *
 * @throws PipelineError where it is another one.
 */
export async function assertOursIfThere(
  { database, environment, store }: Pick<StageRequest, "database" | "environment" | "store">,
  options: { readonly applicationName: string },
): Promise<void> {
  const identity = await withClient(database, options, async (client) => {
    await assertEnvironment(client, environment);
    return readIdentity(client);
  }).catch((error: unknown) => {
    if (error instanceof PipelineError && error.code === "NO_DATABASE") return undefined;
    throw error;
  });
  if (identity !== undefined) await assertKnownDatabase(openStore(store), environment, identity);
}
