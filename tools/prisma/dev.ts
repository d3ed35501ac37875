import path from "node:path";
import { PipelineError, exitCodes } from "../../pipeline/errors.js";
import { npmRun } from "../../pipeline/npmRun.js";
import { withAdvisoryLock } from "../../pipeline/prisma/advisoryLock.js";
import { createMigrationSql, devDiagnostic } from "../../pipeline/prisma/authoring.js";
import { applyAll, clearStopped } from "./applyAll.js";
import { nameless } from "./arguments.js";
import type { CommandContext } from "./context.js";
import { assertDisposable } from "./disposable.js";
import { writeWithDown } from "./down.js";
import { generatorFor } from "./generate.js";
import { say, warn } from "./output.js";
import { runStockPrisma } from "./stock.js";

/** How long another migration is waited for, in milliseconds. */
export const lockWaitMs = 10_000;

/**
 * `prisma:migrate:dev`: applies what is pending, makes a migration of the schema's changes, applies it and generates the client.
 * Asks nothing, and never resets: where Prisma would have to, it says why.
 */
export async function devCommand(context: CommandContext): Promise<number> {
  const { environment, database, project, flags, target } = context;
  assertDisposable(
    environment,
    "dev",
    `Create the migration on local, then let the pipeline apply it: ${npmRun("local", "up", "--stack", environment)}`,
  );
  await withAdvisoryLock(database, lockWaitMs, async () => {
    await clearStopped(database, project);
    const { resetReason } = await devDiagnostic(database, project, { environment });
    if (resetReason !== undefined) throw needsReset(resetReason, environment);
    await applyAll(database, project, environment);
    const change = await createMigrationSql(database, project, flags.name ?? "unnamed", { environment });
    if (change.empty) {
      say("The database has every migration, and the migrations make what the Prisma schema says.");
      return;
    }
    if (flags.name === undefined) throw nameless("dev", environment);
    say(
      `Created ${path.relative(process.cwd(), (await writeWithDown(database, project, change, { environment })).file)}`,
    );
    await applyAll(database, project, environment);
  });
  const generated = await runStockPrisma(await generatorFor(target));
  if (generated === 0) return exitCodes.ok;
  warn(
    `The migrations are applied; only the Prisma client was not generated. Again: ${npmRun(environment, "prisma:generate")}`,
  );
  return exitCodes.failedChanged;
}

function needsReset(reason: string, environment: string): PipelineError {
  return new PipelineError({
    code: "RESET_NEEDED",
    kind: "refused",
    message: `The database cannot be developed further as it is.\n${reason.trim()}`,
    state: "Nothing was changed; nothing is ever reset without being asked for.",
    next: `Undo the difference in the database or in the migrations; or, where the data may be lost: ${npmRun(environment, "prisma:migrate:reset")}`,
  });
}
