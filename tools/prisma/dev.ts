import path from "node:path";
import { PipelineError, exitCodes } from "../../pipeline/errors.js";
import { withAdvisoryLock } from "../../pipeline/prisma/advisoryLock.js";
import { devDiagnostic } from "../../pipeline/prisma/authoring.js";
import { diffSchema } from "../../pipeline/prisma/drift.js";
import { applyAll, clearStopped } from "./applyAll.js";
import type { CommandContext } from "./command.js";
import { createMigration } from "./create.js";
import { assertDisposable } from "./disposable.js";
import { say } from "./output.js";
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
    "Create the migration on local, then let the pipeline apply it: npm run up -- --stack NAME",
  );
  await withAdvisoryLock(database, lockWaitMs, async () => {
    await clearStopped(database, project);
    const { resetReason } = await devDiagnostic(database, project);
    if (resetReason !== undefined) throw needsReset(resetReason);
    await applyAll(database, project);
    if (!(await diffSchema(database, project)).drifted) {
      say("The database has every migration, and the migrations make what the Prisma schema says.");
      return;
    }
    const { file } = await createMigration(database, project, flags.name, "dev");
    say(`Created ${path.relative(process.cwd(), file)}`);
    await applyAll(database, project);
  });
  const generated = await runStockPrisma(target, ["generate"]);
  return generated === 0 ? exitCodes.ok : exitCodes.failedChanged;
}

function needsReset(reason: string): PipelineError {
  return new PipelineError({
    code: "RESET_NEEDED",
    kind: "refused",
    message: `The database cannot be developed further as it is.\n${reason.trim()}`,
    state: "Nothing was changed; nothing is ever reset without being asked for.",
    next: "Undo the difference in the database or in the migrations; or, where the data may be lost: npm run prisma:migrate:reset",
  });
}
