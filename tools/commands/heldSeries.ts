import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { PipelineError, messageOf } from "../../pipeline/errors.js";
import type { ByHand } from "../../pipeline/prisma/schemaBlocks.js";
import type { SchemaFile } from "../../pipeline/prisma/schemaFiles.js";

/**
 * The steps of a safe series that are held for a later release: beside the migrations folder, where Prisma applies none of them, with
 * what the Prisma schema has to be after each.
 */

const state = z.string().nullable();
const kind = z.enum(["model", "enum"]);
const heldSchema = z.strictObject({
  original: z.string(),
  /** Names of all steps, as the series was written. */
  steps: z.array(z.string()),
  /** How many of them are in the migrations folder. */
  released: z.int().min(1),
  schema: z.strictObject({
    lines: z.array(z.strictObject({ kind, block: z.string(), states: z.array(state) })),
    blocks: z.array(
      z.strictObject({
        ...{ after: z.string(), kind, name: z.string() },
        ...{ lines: z.array(z.string()), states: z.array(z.boolean()) },
      }),
    ),
  }),
});
export type HeldSeries = z.infer<typeof heldSchema>;

const recordName = "series.json";

/** Where the steps of a series are held. */
export function heldFolder(migrations: string, original: string): string {
  return path.join(path.dirname(migrations), "held", original);
}

export function writeHeld(folder: string, held: HeldSeries): void {
  writeFileSync(path.join(folder, recordName), `${JSON.stringify(held, null, 2)}\n`);
}

/** @throws PipelineError (`usage`) where nothing is held under that name, or its record cannot be read. */
export function readHeld(folder: string): HeldSeries {
  const file = path.join(folder, recordName);
  if (!existsSync(file)) {
    throw refused(
      `No steps are held in ${folder}.`,
      "Name the migration that was rewritten: npm run risk -- --release NAME",
    );
  }
  try {
    return heldSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    throw refused(`${file} cannot be read: ${messageOf(error)}.`, "Bring it back from git, then run the same command.");
  }
}

export interface StepFiles {
  readonly sql: string;
  readonly down: string;
}

/** Writes migrations, each whole under another name first, and schema files; if anything fails, all is as it was. */
export class Changes {
  readonly #undo: (() => void)[] = [];

  run(work: () => void): void {
    try {
      work();
    } catch (error) {
      for (const undo of this.#undo.toReversed()) undo();
      throw refused(`It could not be written: ${messageOf(error)}.`, "Mend that, then run the same command.");
    }
  }

  addFolder(target: string, { sql, down }: StepFiles): void {
    if (existsSync(target)) throw new Error(`${target} is there already`);
    // Not in the folder itself, where Prisma takes every folder for a migration.
    const partial = path.join(path.dirname(path.dirname(target)), `.${path.basename(target)}.${process.pid}`);
    this.#undo.push(() => {
      for (const made of [partial, target]) rmSync(made, { recursive: true, force: true });
    });
    mkdirSync(path.dirname(target), { recursive: true });
    mkdirSync(partial, { recursive: true });
    writeFileSync(path.join(partial, "migration.sql"), sql);
    writeFileSync(path.join(partial, "down.sql"), down);
    renameSync(partial, target);
  }

  /** @returns paths of the files that are others now */
  writeFiles(before: readonly SchemaFile[], after: readonly SchemaFile[]): string[] {
    const changed = after.filter(({ content }, at) => content !== before[at]?.content);
    for (const { path: file, content } of changed) {
      const old = before.find((one) => one.path === file)?.content ?? "";
      this.#undo.push(() => writeFileSync(file, old));
      // In place: the file keeps its owner, its mode and what links to it.
      writeFileSync(file, content);
    }
    return changed.map(({ path: file }) => file);
  }
}

/** What a person has to change in the schema, in words. */
export function describeByHand(byHand: readonly ByHand[]): string[] {
  return byHand.map(({ block, from, to }) =>
    from === null
      ? `  ${block}: add "${to ?? ""}"`
      : to === null
        ? `  ${block}: take out "${from}"`
        : `  ${block}: "${from}" becomes "${to}"`,
  );
}

export function refused(message: string, next: string): PipelineError {
  return new PipelineError({ code: "RISK_REWRITE", kind: "usage", message, state: "Nothing was written.", next });
}
