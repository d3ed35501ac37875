import { PipelineError } from "../errors.js";
import { npmRun } from "../npmRun.js";
import type { HistoryComparison } from "./history.js";
import { isProvedUnchanged, isResumable } from "./history.js";
import type { MigrationsFolder } from "./migrations.js";

/**
 * Whether the folder continues the database's history. Prisma's own `migrate deploy` and `status` exit with 0 for most of
 * what is refused here.
 *
 * @returns warnings: what does not stand in the way and should be known.
 * @throws PipelineError (kind `refused`) naming every migration that is in the way.
 */
export function assertDeployable(history: HistoryComparison, folder: MigrationsFolder, environment: string): string[] {
  const refusal = (code: string, message: string, remedy: string): PipelineError =>
    refused(
      code,
      message,
      `${remedy}, then run the same command (${npmRun(environment, "prisma:migrate:status")} shows both sides).`,
    );
  assertNoneFailed(
    history.failed.filter((row) => !isResumable(row, folder)),
    environment,
  );
  if (history.edited.length > 0) {
    throw refusal(
      "EDITED_MIGRATION",
      `Applied migrations were edited afterwards: ${list(history.edited)}. What ran is not what the file says.`,
      "Put the files back as they were applied (git log -- prisma/migrations) and make the change in a new migration",
    );
  }
  if (history.missing.length > 0) {
    throw refusal(
      "MISSING_MIGRATION",
      `The database holds migrations that ${folder.folder} lacks: ${list(history.missing)}. The checkout is older than the database, or files were deleted.`,
      "Check out the version that has them, or put the files back",
    );
  }
  const barred = history.pending.flatMap(({ name, plan }) =>
    plan.kind === "refused" ? [`${name}: ${plan.reason}. ${plan.remedy}`] : [],
  );
  if (barred.length > 0) {
    throw refusal("NOT_ATOMIC", `Pending migrations cannot be applied whole:\n${barred.join("\n")}`, "Mend the files");
  }
  return [
    ...history.failed.map((row) =>
      isResumable(row, folder)
        ? `${row.name} was stopped in its one statement; what became of it will be looked at, and it is finished or applied again`
        : `${row.name} was stopped before it changed anything; it will be applied again`,
    ),
    ...history.outOfOrder.map(({ name }) => `${name} is older than migrations that are applied already`),
  ];
}

/** @throws PipelineError (`FAILED_MIGRATION`) where one of these rows is not proved to have changed nothing. */
export function assertNoneFailed(rows: HistoryComparison["failed"], environment: string): void {
  const failed = rows.filter((row) => !isProvedUnchanged(row)).map(({ name }) => name);
  if (failed.length > 0) throw failedMigration(failed, environment);
}

function failedMigration(names: readonly string[], environment: string): PipelineError {
  return new PipelineError({
    code: "FAILED_MIGRATION",
    kind: "refused",
    message: `The history records failed migrations, and it is not proved that they changed nothing: ${names.join(", ")}.`,
    state: "Nothing was touched by this run. Statements of those migrations may have been applied.",
    next:
      `Look at the database; then, for each: ${npmRun(environment, "prisma:migrate:resolve", "--rolled-back NAME")} (nothing of it is ` +
      `there) or --applied NAME (all of it is there), or ${npmRun(environment, "db:restore")}. Then run the same command.`,
  });
}

function refused(code: string, message: string, next: string): PipelineError {
  return new PipelineError({ code, kind: "refused", message, state: "Nothing was touched.", next });
}

function list(migrations: readonly { name: string }[]): string {
  return migrations.map(({ name }) => name).join(", ");
}
