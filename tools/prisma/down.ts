import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { Database, Project } from "../../pipeline/contracts.js";
import { type NewMigration, writeMigration } from "../../pipeline/prisma/authoring.js";
import { allTables, toMigrationList, withEngine } from "../../pipeline/prisma/engine.js";
import { isFolder, readMigrations, type MigrationsFolder } from "../../pipeline/prisma/migrations.js";
import { loadParser } from "../../pipeline/prisma/plan.js";
import { explainReplay } from "../../pipeline/prisma/replayFailed.js";
import { downSql, emptyDownSql } from "./downSql.js";
import { tryDown } from "./tryDown.js";

/** Beside `migration.sql`: what undoes it. Prisma does not look at it, and it is no part of the checksum. */
const scriptName = "down.sql";

/**
 * Works out the way back from what the migrations of the folder and the new one make to what those of the folder make. To be
 * called before the new migration is written into the folder.
 *
 * Both sides are replayed: what Prisma's schema cannot say (a partial index over the columns of a whole one) is then on both,
 * and no difference. Compared with the Prisma schema it would be one, with SQL that undoes what the migration never did.
 */
export async function workOutDown(
  database: Database,
  project: Pick<Project, "schema" | "migrations">,
  forward: NewMigration,
  options: { readonly environment: string },
): Promise<{ readonly sql: string; readonly runs: boolean }> {
  if (forward.empty) return { sql: emptyDownSql, runs: false };
  const folder = await foldersMigrations(project.migrations);
  const script = await explainReplay(project.migrations, options, () =>
    withEngine(database, project, options, async ({ api }) => {
      const from = {
        tag: "migrations",
        ...toMigrationList({ ...folder, migrations: [...folder.migrations, forward] }),
      } as const;
      const to = { tag: "migrations", ...toMigrationList(folder) } as const;
      return (await api.diff({ from, to, script: true, exitCode: null, filters: allTables })).stdout ?? "";
    }),
  );
  await loadParser();
  const { sql, problems } = await tryDown(database, folder, forward, script);
  return { sql: downSql(forward.sql, sql, problems), runs: problems.length === 0 };
}

/**
 * Writes a migration and its way back, which is worked out first: where it cannot be, nothing is written.
 *
 * @returns the paths of `migration.sql` and `down.sql`, and whether the latter leads back: it is a comment otherwise.
 */
export async function writeWithDown(
  database: Database,
  project: Pick<Project, "schema" | "migrations">,
  migration: NewMigration,
  options: { readonly environment: string },
): Promise<{ readonly file: string; readonly down: string; readonly runs: boolean }> {
  const { sql, runs } = await workOutDown(database, project, migration, options);
  const file = await writeMigration(project.migrations, migration);
  const down = path.join(path.dirname(file), scriptName);
  await writeFile(down, sql, { flag: "wx" });
  return { file, down, runs };
}

/** A project's first migration makes the folder. */
async function foldersMigrations(folder: string): Promise<MigrationsFolder> {
  if (await isFolder(folder)) return readMigrations(folder);
  return { folder, provider: undefined, lockfile: undefined, migrations: [] };
}
