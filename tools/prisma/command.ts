import type { Database } from "../../pipeline/contracts.js";
import { exitCodes, PipelineError } from "../../pipeline/errors.js";
import { failureText } from "../commands/reportFailure.js";
import { withClient } from "../../pipeline/postgres/connection.js";
import { assertEnvironment, readIdentity } from "../../pipeline/postgres/identity.js";
import { loadSchema } from "../../pipeline/prisma/schema.js";
import { assertKnownDatabase } from "../../pipeline/store/knownDatabase.js";
import { openStore } from "../../pipeline/store/open.js";
import { parseFlags } from "./arguments.js";
import { createCommand } from "./create.js";
import { devCommand } from "./dev.js";
import type { PrismaTarget } from "./environment.js";
import { generatorFor } from "./generate.js";
import { say, warn } from "./output.js";
import { resetCommand } from "./reset.js";
import { resolveCommand } from "./resolve.js";
import { statusCommand } from "./status.js";
import { runStockPrisma } from "./stock.js";

export type PrismaCommandName = "generate" | "dev" | "status" | "reset" | "create" | "resolve" | "validate";

const onDatabase = {
  create: createCommand,
  dev: devCommand,
  status: statusCommand,
  reset: resetCommand,
  resolve: resolveCommand,
} as const;

/** Those that change something on the server. */
const writing: ReadonlySet<string> = new Set(["create", "dev", "reset", "resolve"]);

/** @throws PipelineError where the database is another environment's, or not the one that the environment has had so far. */
async function assertOwn({ environment, store }: PrismaTarget, database: Database): Promise<void> {
  const identity = await withClient(database, { applicationName: "safe-migration prisma" }, async (client) => {
    await assertEnvironment(client, environment);
    return readIdentity(client);
  });
  if (store !== undefined) await assertKnownDatabase(openStore(store), environment, identity);
}

/**
 * Runs one of the `prisma:*` commands. Foreseen failures are printed with the state things are in and what to run next.
 *
 * @returns the exit code: see `exitCodes` in `pipeline/errors.ts`; `status` adds what its own page says.
 */
export async function prismaCommand(
  name: PrismaCommandName,
  args: readonly string[],
  target: PrismaTarget,
): Promise<number> {
  try {
    if (name === "generate") return await runStockPrisma(await generatorFor(target), args);
    const flags = parseFlags(name, args, target.environment);
    if (name === "validate") {
      const schema = await loadSchema(target.project.schema);
      say(`The Prisma schema is valid: ${schema.models.length} models in ${schema.files.length} file(s).`);
      return exitCodes.ok;
    }
    const { environment, database, project } = target;
    if (database === undefined) throw new Error(`prisma:migrate:${name} was called without a database`);
    if (writing.has(name)) await assertOwn(target, database);
    return await onDatabase[name]({ environment, database, project, target, flags });
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    warn(failureText(error));
    return error.exitCode;
  }
}
