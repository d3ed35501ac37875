import { exitCodes } from "../../pipeline/errors.js";
import { describeResolution, resolveMigration } from "../../pipeline/prisma/resolve.js";
import { resolutionOf } from "./arguments.js";
import type { CommandContext } from "./context.js";
import { say } from "./output.js";

/** `prisma:migrate:resolve`: records what a person found about a failed migration; the database's tables are not touched. */
export async function resolveCommand(context: CommandContext): Promise<number> {
  const found = resolutionOf(context.flags, context.environment);
  await resolveMigration(context, found);
  say(describeResolution(found));
  return exitCodes.ok;
}
