import { readFileSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { moveSchema } from "../../pipeline/prisma/schemaBlocks.js";
import { readSchemaFiles } from "../../pipeline/prisma/schemaFiles.js";
import { readFolder } from "../../pipeline/risk/files.js";
import { Changes, type StepFiles, describeByHand, heldFolder, readHeld, refused, writeHeld } from "./heldSeries.js";
import type { SeriesProject } from "./riskRewrite.js";

/**
 * `npm run risk -- --release NAME`: moves held steps of a series into the migrations folder and makes the Prisma schema what it has to be
 * after them. What else has changed in it since stays.
 *
 * @param until number of the last step to release; default: all
 * @param now for the names: a migration that was made since must stay before them
 * @returns what to tell the person
 * @throws PipelineError (`usage`) where nothing is held under that name.
 */
export async function releaseIn(
  { migrations, schema }: SeriesProject,
  name: string,
  { until, now = new Date() }: { readonly until?: number; readonly now?: Date } = {},
): Promise<string> {
  const held = heldFolder(migrations, name);
  const record = readHeld(held);
  const last = until ?? record.steps.length;
  if (last <= record.released || last > record.steps.length) {
    throw refused(
      `Steps ${record.released + 1} to ${record.steps.length} of ${name} are held.`,
      "Give --until one of these numbers, or leave it out for all.",
    );
  }
  const steps = record.steps.slice(record.released, last);
  const files = steps.map((step): StepFiles => ({
    sql: readFileSync(path.join(held, step, "migration.sql"), "utf8"),
    down: readFileSync(path.join(held, step, "down.sql"), "utf8"),
  }));
  const newest = readFolder(migrations).at(-1)?.name ?? "";
  const names = steps.map((step) => nameAfter(newest, step, now));
  const before = await readSchemaFiles(schema);
  const { files: after, byHand } = moveSchema(before, record.schema, record.released - 1, last - 1);
  const changes = new Changes();
  let changed: string[] = [];
  changes.run(() => {
    for (const [at, step] of names.entries()) {
      const file = files[at];
      if (file !== undefined) changes.addFolder(path.join(migrations, step), file);
    }
    changed = changes.writeFiles(before, after);
  });
  for (const step of steps) rmSync(path.join(held, step), { recursive: true });
  if (last < record.steps.length) writeHeld(held, { ...record, released: last });
  else removeHeld(held);
  return [
    `Released, of ${name}:`,
    ...names.map((step) => `  ${path.relative(process.cwd(), path.join(migrations, step))}`),
    changed.length > 0
      ? `The Prisma schema is as after them now: ${changed.map((file) => path.relative(process.cwd(), file)).join(", ")}`
      : "The Prisma schema needs no change.",
    ...(byHand.length === 0 ? [] : ["Not found in it as it was written, so left to you:", ...describeByHand(byHand)]),
    ...(last < record.steps.length ? [`Still held: ${record.steps.slice(last).join(", ")}`] : []),
  ].join("\n");
}

/** Sorts after the newest migration: as it is, or with a newer time. */
function nameAfter(newest: string, step: string, now: Date): string {
  if (step.localeCompare(newest) > 0) return step;
  const time = now.toISOString().replace(/\D/g, "").slice(0, 14);
  const renamed = `${time}_${step.replace(/^\d+_?/, "")}`;
  if (renamed.localeCompare(newest) > 0) return renamed;
  throw refused(
    `${newest} has a name later than now, so a step released now would be applied before it.`,
    "Give that migration an earlier name, then run the same command.",
  );
}

/** With the folder of all held series, where this was the last one. */
function removeHeld(held: string): void {
  rmSync(held, { recursive: true });
  const parent = path.dirname(held);
  if (readdirSync(parent).length === 0) rmSync(parent, { recursive: true });
}
