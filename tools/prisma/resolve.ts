import type { Resolution } from "../../pipeline/contracts.js";
import { exitCodes } from "../../pipeline/errors.js";
import { describeResolution, resolveMigration } from "../../pipeline/prisma/resolve.js";
import { type CommandFlags, exampleOf, usage } from "./arguments.js";
import type { CommandContext } from "./context.js";
import { say } from "./output.js";

/** `prisma:migrate:resolve`: records what a person found about a failed migration; the database's tables are not touched. */
export async function resolveCommand(context: CommandContext): Promise<number> {
  const found = resolutionOf(context.flags, context.environment);
  await resolveMigration(context, found);
  say(describeResolution(found));
  return exitCodes.ok;
}

/** What was found, by the flags. @throws PipelineError (`usage`) unless it is one of the two. */
export function resolutionOf({ applied, rolledBack }: CommandFlags, environment: string): Resolution {
  if (applied !== undefined && rolledBack === undefined) return { applied };
  if (applied === undefined && rolledBack !== undefined) return { rolledBack };
  throw usage(
    "Say what you found: all of the migration is in the database (--applied NAME), or nothing of it (--rolled-back NAME).",
    exampleOf("resolve", environment),
  );
}
