import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { Database, Project } from "../../pipeline/contracts.js";
import { type NewMigration, writeMigration } from "../../pipeline/prisma/authoring.js";
import { allTables, toMigrationList, toSchemasContainer, withEngine } from "../../pipeline/prisma/engine.js";
import { isFolder, readMigrations, type MigrationsFolder } from "../../pipeline/prisma/migrations.js";
import { loadParser } from "../../pipeline/prisma/plan.js";
import { explainReplay } from "../../pipeline/prisma/replayFailed.js";
import { downSql, emptyDownSql } from "./downSql.js";

/** Beside `migration.sql`: what undoes it. Prisma does not look at it, and it is no part of the checksum. */
const scriptName = "down.sql";

/**
 * Works out the way back from the Prisma schema as it is now to what the migrations of the folder make. To be called before the
 * new migration is written into the folder.
 */
export async function workOutDown(
  database: Database,
  project: Pick<Project, "schema" | "migrations">,
  forward: Pick<NewMigration, "sql" | "empty">,
  options: { readonly environment: string },
): Promise<string> {
  if (forward.empty) return emptyDownSql;
  const folder = await foldersMigrations(project.migrations);
  const script = await explainReplay(project.migrations, options, () =>
    withEngine(database, project, options, async ({ api, schema }) => {
      const from = { tag: "schemaDatamodel", ...toSchemasContainer(schema) } as const;
      const to = { tag: "migrations", ...toMigrationList(folder) } as const;
      return (await api.diff({ from, to, script: true, exitCode: null, filters: allTables })).stdout ?? "";
    }),
  );
  await loadParser();
  return downSql(forward.sql, script);
}

/**
 * Writes a migration and its way back, which is worked out first: where it cannot be, nothing is written.
 *
 * @returns the paths of `migration.sql` and `down.sql`.
 */
export async function writeWithDown(
  database: Database,
  project: Pick<Project, "schema" | "migrations">,
  migration: NewMigration,
  options: { readonly environment: string },
): Promise<{ readonly file: string; readonly down: string }> {
  const sql = await workOutDown(database, project, migration, options);
  const file = await writeMigration(project.migrations, migration);
  const down = path.join(path.dirname(file), scriptName);
  await writeFile(down, sql, { flag: "wx" });
  return { file, down };
}

/** A project's first migration makes the folder. */
async function foldersMigrations(folder: string): Promise<MigrationsFolder> {
  if (await isFolder(folder)) return readMigrations(folder);
  return { folder, provider: undefined, lockfile: undefined, migrations: [] };
}
