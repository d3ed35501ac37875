import { hostname, userInfo } from "node:os";
import type { StageContext } from "../context.js";
import type { AcceptRequest, AcceptResult } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { withClient } from "../postgres/connection.js";
import { assertEnvironment, readIdentity } from "../postgres/identity.js";
import { acceptDatabase } from "../store/knownDatabase.js";
import { openStore } from "../store/open.js";
import { stamp } from "./stamp.js";

/**
 * Records that an environment's database is another one from now on: moved to a new server, or replaced.
 *
 * @throws PipelineError where the server is not the one that is named, or the database is marked as another environment's.
 */
export async function accept(request: AcceptRequest, { log }: StageContext): Promise<AcceptResult> {
  const started = Date.now();
  const { environment, system } = request;
  const identity = await withClient(request.database, { applicationName: "safe-migration accept" }, async (client) => {
    await assertEnvironment(client, environment);
    return readIdentity(client);
  });
  if (identity.systemIdentifier !== system)
    throw new PipelineError({
      code: "OTHER_SYSTEM",
      kind: "refused",
      message: `The server that the configuration of "${environment}" leads to has the system identifier ${identity.systemIdentifier}, not ${system}.`,
      state: "Nothing was touched.",
      next: "Look again at which server is meant, then run the same command with its identifier.",
    });
  const by = `${userInfo().username}@${hostname()}`;
  const was = await acceptDatabase(openStore(request.store), environment, identity, by);
  log.info(`"${environment}" is database "${identity.database}" of server ${system} from now on, on the word of ${by}`);
  const before =
    was === undefined ? {} : { before: { systemIdentifier: was.systemIdentifier, database: was.database } };
  return { stage: "accept", ...stamp(request, started), identity, ...before };
}
