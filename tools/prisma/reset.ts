import { createInterface } from "node:readline/promises";
import { PipelineError, exitCodes } from "../../pipeline/errors.js";
import { npmRun } from "../../pipeline/npmRun.js";
import { withAdvisoryLock } from "../../pipeline/prisma/advisoryLock.js";
import { reset } from "../../pipeline/prisma/authoring.js";
import { readMigrations } from "../../pipeline/prisma/migrations.js";
import { applyAll } from "./applyAll.js";
import type { CommandContext } from "./context.js";
import { lockWaitMs } from "./dev.js";
import { assertDisposable } from "./disposable.js";
import { say, warn } from "./output.js";

/** `prisma:migrate:reset`: empties the database and applies every migration; asks for the environment's name unless `--force`. */
export async function resetCommand({ environment, database, project, flags }: CommandContext): Promise<number> {
  assertDisposable(environment, "reset", `To go back to a backup: ${npmRun(environment, "db:restore")}`);
  // What would be applied afterwards must be readable before anything is lost.
  await readMigrations(project.migrations);
  warn(`ALL DATA in database "${database.name}" at ${database.host}:${database.port} (${environment}) will be lost.`);
  if (flags.force !== true) await confirm(environment);
  await withAdvisoryLock(database, lockWaitMs, async () => {
    await reset(database, project);
    say(`Database "${database.name}" is empty.`);
    await applyAll(database, project, environment);
  });
  return exitCodes.ok;
}

/** @throws PipelineError (`refused`) unless the environment's name is typed. */
async function confirm(environment: string): Promise<void> {
  if (!process.stdin.isTTY)
    throw refusal(
      "nobody can be asked here",
      `To go on without being asked: ${npmRun(environment, "prisma:migrate:reset", "--force")}`,
    );
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const typed = await reader.question(`Type ${environment} to go on: `);
    if (typed.trim() !== environment)
      throw refusal(`"${typed.trim()}" is not "${environment}"`, "Run the same command again.");
  } finally {
    reader.close();
  }
}

function refusal(reason: string, next: string): PipelineError {
  return new PipelineError({
    code: "NOT_CONFIRMED",
    kind: "refused",
    message: `The database was not reset: ${reason}.`,
    state: "Nothing was touched.",
    next,
  });
}
