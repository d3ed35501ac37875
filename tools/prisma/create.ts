import path from "node:path";
import { exitCodes } from "../../pipeline/errors.js";
import { npmRun } from "../../pipeline/npmRun.js";
import { createMigrationSql } from "../../pipeline/prisma/authoring.js";
import { nameless } from "./arguments.js";
import type { CommandContext } from "./context.js";
import { writeWithDown } from "./down.js";
import { say } from "./output.js";

/**
 * `prisma:migrate:create`: writes the next migration without applying it, and beside it the way back. Where the schema has no change, the file holds a
 * comment only, for SQL that is written by hand.
 */
export async function createCommand({ database, environment, project, flags }: CommandContext): Promise<number> {
  if (flags.name === undefined) throw nameless("create", environment);
  const migration = await createMigrationSql(database, project, flags.name, { environment });
  const { file, down, runs } = await writeWithDown(database, project, migration, { environment });
  say(`Created ${path.relative(process.cwd(), file)}`);
  const way = runs
    ? "its way back: its head says what SQL alone cannot bring back"
    : migration.empty
      ? "where to write its way back"
      : "a comment only: its head says why Prisma's way back does not lead back";
  say(`Created ${path.relative(process.cwd(), down)}, ${way}.`);
  if (migration.empty)
    say("The Prisma schema has no change that the migrations lack, so the file is empty: write its SQL by hand.");
  const dev = npmRun("local", "prisma:migrate:dev", "--name NAME");
  say(`Look it over, then apply it: npm start (or ${dev}, on local and dev).`);
  return exitCodes.ok;
}
