import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { PipelineError, messageOf } from "../../pipeline/errors.js";
import { assessMigrations } from "../../pipeline/risk/assess.js";
import { readFolder } from "../../pipeline/risk/files.js";
import { type Series, planSeries } from "../../pipeline/risk/rewrite/plan.js";
import { defaultLargeTableBytes } from "../../pipeline/risk/types.js";
import { riskTarget } from "./riskTarget.js";

/**
 * `npm run risk -- --rewrite NAME`: writes the safe series for a migration into the folder, each with its `down.sql`. The original is not
 * touched, and no database is.
 *
 * @returns what to tell the person
 * @throws PipelineError (`usage`) where the name is not known, there is no safer way, or a folder of the series is there already.
 */
export async function rewriteMigration(name: string, stack: string | undefined): Promise<string> {
  const { config, paths } = riskTarget(stack);
  return rewriteIn(paths.migrations, name, config.database.schema);
}

export async function rewriteIn(folder: string, name: string, defaultSchema: string): Promise<string> {
  const migrations = readFolder(folder);
  const at = migrations.findIndex((migration) => migration.name === name);
  const original = migrations[at];
  if (original === undefined) {
    const near = migrations.filter((migration) => migration.name.includes(name)).map((migration) => migration.name);
    throw refused(
      `There is no migration "${name}" in ${folder}.`,
      `Give its whole name${near.length > 0 ? `, near it: ${near.join(", ")}` : ""}.`,
    );
  }
  const history = migrations.slice(0, at);
  const series = await planSeries(history, original, defaultSchema);
  if (series === undefined) {
    throw refused(
      `There is no safer series for ${name} that this program knows.`,
      `See what it does, and the safer way in words: npm run risk -- ${path.join(folder, name)}`,
    );
  }
  write(folder, series);
  const names = new Set(series.migrations.map((migration) => migration.name));
  const sources = series.migrations.map(({ name: own, sql }) => ({ name: own, path: own, sql }));
  const options = { postgresMajor: 15, largeTableBytes: defaultLargeTableBytes, defaultSchema };
  const risks = await assessMigrations([...history, ...sources], names, options);
  return report(folder, name, series, new Map(risks.map(({ file, tier }) => [file, tier])));
}

/** All or none: each folder is made whole under another name first. */
function write(folder: string, { migrations }: Series): void {
  const there = migrations.find(({ name }) => existsSync(path.join(folder, name)));
  if (there !== undefined) {
    throw refused(
      `${path.join(folder, there.name)} is there already.`,
      "Remove the series that was written before, then run the same command.",
    );
  }
  const done: string[] = [];
  try {
    for (const { name, sql, down } of migrations) {
      const target = path.join(folder, name);
      // Not in the folder itself, where Prisma takes every folder for a migration.
      const partial = path.join(path.dirname(folder), `.${name}.${process.pid}`);
      done.push(partial, target);
      mkdirSync(partial);
      writeFileSync(path.join(partial, "migration.sql"), sql);
      writeFileSync(path.join(partial, "down.sql"), down);
      renameSync(partial, target);
    }
  } catch (error) {
    for (const made of done) rmSync(made, { recursive: true, force: true });
    throw refused(`The series could not be written: ${messageOf(error)}.`, "Mend that, then run the same command.");
  }
}

function report(
  folder: string,
  name: string,
  { migrations, schema, kept }: Series,
  tiers: ReadonlyMap<string, string>,
): string {
  const contract = migrations.filter((migration) => migration.name.endsWith("_contract"));
  const lines = [
    `Written, for ${name}:`,
    ...migrations.map((migration) => `  ${tiers.get(migration.name) ?? ""}  ${path.join(folder, migration.name)}`),
    ...kept.map((statement) => `As it was: ${statement}`),
    "The end is the same Prisma schema. On the way:",
    ...(schema.length === 0 ? ["  nothing has to be changed in it."] : schema.map((line) => `  ${line}`)),
    `The original is untouched. Take it out before the series is applied: git rm -r ${path.join(folder, name)}`,
    ...(contract.length === 0
      ? []
      : [
          `Commit ${contract.map((migration) => migration.name).join(", ")} with a later release, when no running application names what it takes away.`,
        ]),
  ];
  return lines.join("\n");
}

function refused(message: string, next: string): PipelineError {
  return new PipelineError({ code: "RISK_REWRITE", kind: "usage", message, state: "Nothing was written.", next });
}
