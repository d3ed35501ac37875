import { existsSync } from "node:fs";
import path from "node:path";
import { PipelineError } from "../../pipeline/errors.js";
import { loadSchema, readSchema } from "../../pipeline/prisma/schema.js";
import { type ByHand, type Tracked, moveSchema } from "../../pipeline/prisma/schemaBlocks.js";
import { readSchemaFiles, type SchemaFile } from "../../pipeline/prisma/schemaFiles.js";
import { assessMigrations } from "../../pipeline/risk/assess.js";
import { readFolder } from "../../pipeline/risk/files.js";
import { undoneBy } from "../../pipeline/risk/rewrite/entangled.js";
import { type Series, planSeries } from "../../pipeline/risk/rewrite/plan.js";
import { schemaSteps } from "../../pipeline/risk/rewrite/schemaSteps.js";
import { type MigrationSource, defaultLargeTableBytes } from "../../pipeline/risk/types.js";
import { Changes, describeByHand, heldFolder, refused, writeHeld } from "./heldSeries.js";
import type { Target } from "./target.js";

/** Where a project has what a series changes. */
export interface SeriesProject {
  readonly migrations: string;
  /** The Prisma schema: a file, or a folder. */
  readonly schema: string;
  readonly defaultSchema: string;
}

/** Project of a stack, as its configuration says. */
export function seriesProject({ config, paths }: Target): SeriesProject {
  return { migrations: paths.migrations, schema: paths.schema, defaultSchema: config.database.schema };
}

/**
 * `npm run risk -- --rewrite NAME`: writes the safe series for a migration into the folder, each with its `down.sql`, and makes the Prisma
 * schema what it has to be after them. What the running application would not live with is held for a later release. The original is
 * not touched, and no database is.
 *
 * @param until number of the last step for now; default: the last that the running application lives with
 * @returns what to tell the person
 * @throws PipelineError (`usage`) where the name is not known, there is no safer way, or a folder of the series is there already.
 */
export async function rewriteIn(project: SeriesProject, name: string, until?: number): Promise<string> {
  const { history, series } = await seriesFor(project, name);
  const last = series.migrations.length;
  const now = until ?? series.now;
  if (now > last)
    throw refused(`The series for ${name} has ${last} steps.`, `Give --until a number from 1 to ${last}.`);
  const schema = await schemaAfter(project, series, now - 1);
  const held = heldFolder(project.migrations, name);
  if (existsSync(held)) throw refused(`${held} is there already.`, "Remove the series that was written before.");
  const changes = new Changes();
  let changed: string[] = [];
  changes.run(() => {
    for (const step of series.migrations.slice(0, now))
      changes.addFolder(path.join(project.migrations, step.name), step);
    for (const step of series.migrations.slice(now)) changes.addFolder(path.join(held, step.name), step);
    if (now < last) {
      const steps = series.migrations.map((step) => step.name);
      writeHeld(held, { original: name, steps, released: now, schema: mutable(schema.tracked) });
    }
    changed = changes.writeFiles(schema.before, schema.after);
  });
  return report({
    project,
    name,
    series,
    now,
    held,
    changed,
    ...schema,
    tiers: await tiersOf(history, series, project),
  });
}

async function seriesFor({ migrations: folder, defaultSchema }: SeriesProject, name: string) {
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
  const undoing = undoneBy(original, migrations.slice(at + 1));
  if (undoing !== undefined) {
    throw refused(
      `${undoing}, which comes later, changes tables or columns that the steps of ${name} are about.`,
      "Make one migration of both, and rewrite that one.",
    );
  }
  const there = series.migrations.find((step) => existsSync(path.join(folder, step.name)));
  if (there !== undefined) {
    throw refused(
      `${path.join(folder, there.name)} is there already.`,
      "Remove the series that was written before, then run the same command.",
    );
  }
  return { history, series };
}

interface SchemaChange {
  readonly tracked: Tracked;
  readonly before: readonly SchemaFile[];
  readonly after: readonly SchemaFile[];
  readonly byHand: readonly ByHand[];
  /** Why the schema stays as it is, if it does. */
  readonly unread?: string;
}

/** The schema as it has to be after a step, checked by Prisma's own parser before it is written. */
async function schemaAfter(project: SeriesProject, series: Series, step: number): Promise<SchemaChange> {
  const none = { tracked: { lines: [], blocks: [] }, before: [], after: [], byHand: [] };
  try {
    const before = await readSchemaFiles(project.schema);
    const { models } = await loadSchema(project.schema, project.defaultSchema);
    const names = series.migrations.map(({ name }) => name);
    const tracked = schemaSteps({ files: before, models }, series.shapes, names);
    const { files: after, byHand } = moveSchema(before, tracked, series.shapes.length - 1, step);
    readSchema(after, project.defaultSchema);
    return { tracked, before, after, byHand };
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    return { ...none, unread: error.message };
  }
}

/** As a person would name it from where they are. */
function here(file: string): string {
  return path.relative(process.cwd(), file);
}

function mutable({ lines, blocks }: Tracked) {
  return {
    lines: lines.map((line) => ({ ...line, states: [...line.states] })),
    blocks: blocks.map((block) => ({ ...block, lines: [...block.lines], states: [...block.states] })),
  };
}

async function tiersOf(
  history: readonly MigrationSource[],
  series: Series,
  { defaultSchema }: SeriesProject,
): Promise<ReadonlyMap<string, string>> {
  const names = new Set(series.migrations.map((migration) => migration.name));
  const sources = series.migrations.map(({ name, sql }) => ({ name, path: name, sql }));
  const options = { postgresMajor: 15, largeTableBytes: defaultLargeTableBytes, defaultSchema };
  const risks = await assessMigrations([...history, ...sources], names, options);
  return new Map(risks.map(({ file, tier }) => [file, tier]));
}

interface Reported extends SchemaChange {
  readonly project: SeriesProject;
  readonly name: string;
  readonly series: Series;
  readonly now: number;
  readonly held: string;
  readonly changed: readonly string[];
  readonly tiers: ReadonlyMap<string, string>;
}

function report({ project, name, series, now, held, changed, byHand, unread, tiers }: Reported): string {
  const { migrations, kept } = series;
  const line = (folder: string) => (step: { name: string }) =>
    `  ${(tiers.get(step.name) ?? "").padEnd(9)}  ${here(path.join(folder, step.name))}`;
  const later = migrations.slice(now);
  const schema =
    unread !== undefined
      ? [`The Prisma schema stays as it is, as it could not be brought in step: ${unread}`]
      : changed.length > 0
        ? [`The Prisma schema is as after ${migrations[now - 1]?.name ?? ""} now: ${changed.map(here).join(", ")}`]
        : ["The Prisma schema needs no change."];
  return [
    `Written, for ${name}:`,
    ...migrations.slice(0, now).map(line(project.migrations)),
    ...(later.length === 0 ? [] : ["Held for a later release:", ...later.map(line(held))]),
    ...kept.map((statement) => `As it was: ${statement}`),
    ...schema,
    ...(byHand.length === 0 ? [] : ["Not found in it, so left to you:", ...describeByHand(byHand)]),
    `The original is untouched. Take it out before the series is applied: rm -r ${here(path.join(project.migrations, name))}`,
    ...(later.length === 0
      ? []
      : [
          `Once no running application needs what ${later[0]?.name ?? ""} takes away or asks for: npm run risk -- --release ${name}`,
        ]),
  ].join("\n");
}
