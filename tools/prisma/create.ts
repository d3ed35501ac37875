import path from "node:path";
import { exitCodes } from "../../pipeline/errors.js";
import { createMigrationSql, writeMigration } from "../../pipeline/prisma/authoring.js";
import { usage } from "./arguments.js";
import type { CommandContext } from "./command.js";
import { say } from "./output.js";

/**
 * `prisma:migrate:create`: writes the next migration without applying it. Where the schema has no change, the file holds a
 * comment only, for SQL that is written by hand.
 */
export async function createCommand({ database, project, flags }: CommandContext): Promise<number> {
  const { file, empty } = await createMigration(database, project, flags.name, "create");
  say(`Created ${path.relative(process.cwd(), file)}`);
  if (empty)
    say("The Prisma schema has no change that the migrations lack, so the file is empty: write its SQL by hand.");
  say("Look it over, then apply it: npm start (or npm run prisma:migrate:dev -- --name NAME on local and dev).");
  return exitCodes.ok;
}

/** @throws PipelineError (`usage`) without a name. */
export async function createMigration(
  database: CommandContext["database"],
  project: CommandContext["project"],
  name: string | undefined,
  command: string,
): Promise<{ readonly name: string; readonly file: string; readonly empty: boolean }> {
  if (name === undefined) {
    throw usage(
      "A migration needs a name that says what it changes.",
      `Run: npm run prisma:migrate:${command} -- --name add_orders`,
    );
  }
  const migration = await createMigrationSql(database, project, name);
  return { name: migration.name, file: await writeMigration(project.migrations, migration), empty: migration.empty };
}
