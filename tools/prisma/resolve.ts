import { PipelineError, exitCodes } from "../../pipeline/errors.js";
import { npmRun } from "../../pipeline/npmRun.js";
import { withAdvisoryLock } from "../../pipeline/prisma/advisoryLock.js";
import { markApplied, markRolledBack } from "../../pipeline/prisma/authoring.js";
import { EngineError } from "../../pipeline/prisma/engine.js";
import { withClient } from "../../pipeline/postgres/connection.js";
import { readHistory } from "../../pipeline/prisma/history.js";
import { loadSchema } from "../../pipeline/prisma/schema.js";
import { exampleOf, usage } from "./arguments.js";
import type { CommandContext } from "./context.js";
import { lockWaitMs } from "./dev.js";
import { say } from "./output.js";

/** `prisma:migrate:resolve`: records what a person found about a failed migration; the database's tables are not touched. */
export async function resolveCommand(context: CommandContext): Promise<number> {
  const { database, project, flags } = context;
  const { applied, rolledBack } = flags;
  if ((applied === undefined) === (rolledBack === undefined)) {
    throw usage(
      "Say what you found: all of the migration is in the database (--applied NAME), or nothing of it (--rolled-back NAME).",
      exampleOf("resolve", context.environment),
    );
  }
  try {
    await withAdvisoryLock(database, lockWaitMs, async () => {
      if (applied !== undefined) await markApplied(database, project, applied);
      if (rolledBack === undefined) return;
      await assertFailed(context, rolledBack);
      await markRolledBack(database, project, rolledBack);
    });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new PipelineError({
      code: error.code ?? "RESOLVE",
      kind: "failedUnchanged",
      message: error.message,
      state: "The history is as it was.",
      next: `See both sides: ${npmRun(context.environment, "prisma:migrate:status")}`,
    });
  }
  say(applied === undefined ? `${rolledBack} is recorded as rolled back.` : `${applied} is recorded as applied.`);
  return exitCodes.ok;
}

/** Prisma's engine says nothing where there is no failed row, if an earlier attempt was rolled back. */
async function assertFailed({ database, environment, project }: CommandContext, name: string): Promise<void> {
  const schema = await loadSchema(project.schema, database.schema);
  const rows = await withClient(database, { applicationName: "safe-migration prisma" }, (client) =>
    readHistory(client, schema),
  );
  const failed = rows.filter(({ finishedAt, rolledBackAt }) => finishedAt === null && rolledBackAt === null);
  if (failed.some((row) => row.name === name)) return;
  const names = failed.map((row) => row.name).join(", ");
  throw new PipelineError({
    code: "NOT_FAILED",
    kind: "refused",
    message: `"${name}" has not failed; ${names === "" ? "no migration has" : `these have: ${names}`}.`,
    state: "The history is as it was.",
    next: `See both sides: ${npmRun(environment, "prisma:migrate:status")}`,
  });
}
