import type { MigrationRef } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { type DownScript, describeNoDown, readDown } from "../prisma/down.js";
import type { HistoryRow } from "../prisma/history.js";
import { type MigrationsFolder, checksumMatches } from "../prisma/migrations.js";
import type { ListedBackup } from "../store/listBackups.js";

/** A migration that can be taken back. */
export interface WayBack extends MigrationRef {
  readonly down: DownScript;
}

/** A migration, and why it cannot be taken back. */
export interface NoWayBack {
  readonly name: string;
  readonly reason: string;
}

/** Looks, for migrations that are applied, at whether each can be taken back. */
export async function findWaysBack(
  rows: readonly Pick<HistoryRow, "name" | "checksum">[],
  folder: MigrationsFolder,
): Promise<{ ways: WayBack[]; without: NoWayBack[] }> {
  const ways: WayBack[] = [];
  const without: NoWayBack[] = [];
  for (const { name, checksum } of rows) {
    const migration = folder.migrations.find((candidate) => candidate.name === name);
    if (migration === undefined) {
      without.push({ name, reason: `it is not in ${folder.folder}` });
    } else if (!checksumMatches(migration.sql, checksum)) {
      without.push({
        name,
        reason: "its migration.sql was edited after it was applied, so its down.sql may be another's",
      });
    } else {
      const down = await readDown(migration);
      if (down === undefined) without.push({ name, reason: `it ${await describeNoDown(migration)}` });
      else if (down.plan.kind === "refused") without.push({ name, reason: `${down.path}: ${down.plan.reason}` });
      else ways.push({ name, checksum, down });
    }
  }
  return { ways, without };
}

/** The newest complete backup in which a migration is not applied. @param backups newest first. */
function newestBefore(backups: readonly ListedBackup[], migration: string): ListedBackup | undefined {
  return backups.find(
    ({ manifest }) =>
      !manifest.migrations.some(
        ({ name, finishedAt, rolledBackAt }) => name === migration && finishedAt !== null && rolledBackAt === null,
      ),
  );
}

/**
 * @param oldest the first that was applied of those that are to be taken back.
 * @throws PipelineError (`NO_WAY_BACK`) naming those that cannot be, with the command that restores instead.
 */
export function assertWayBack(
  without: readonly NoWayBack[],
  oldest: string,
  backups: readonly ListedBackup[],
  environment: string,
): void {
  if (without.length === 0) return;
  const before = newestBefore(backups, oldest);
  const lines = without.map(({ name, reason }) => `  ${name}: ${reason}`);
  throw new PipelineError({
    code: "NO_WAY_BACK",
    kind: "refused",
    message: `${without.length} migration(s) cannot be taken back by SQL:\n${lines.join("\n")}`,
    state: "Nothing was touched.",
    next:
      before === undefined
        ? `No backup from before ${oldest} is in the store. Write the down.sql that is missing, then run the same command.`
        : `Go back to the newest backup from before ${oldest} (made ${before.created}; what was written since stays in the database that is kept): ` +
          `${npmRun(environment, "db:restore", "--backup", before.id)}; or write the down.sql that is missing, and run the same command.`,
  });
}
