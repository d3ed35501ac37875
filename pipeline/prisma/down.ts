import { readFile } from "node:fs/promises";
import path from "node:path";
import { PipelineError, messageOf } from "../errors.js";
import { type Migration, checksumOf } from "./migrations.js";
import { type ScriptPlan, loadParser, planScript } from "./plan.js";

/** Beside `migration.sql`: what takes it back. Prisma does not look at it, and it is no part of the migration's checksum. */
const downName = "down.sql";

/** The way back of a migration. */
export interface DownScript {
  readonly path: string;
  readonly sql: string;
  /** SHA-256 of `sql`. */
  readonly checksum: string;
  readonly plan: ScriptPlan;
}

/**
 * The way back that is written beside a migration; `undefined` where there is none, or where the file holds comments only, by
 * which its author says that there is none.
 *
 * @throws PipelineError (`usage`) where the file is there and cannot be read.
 */
export async function readDown(migration: Pick<Migration, "name" | "path">): Promise<DownScript | undefined> {
  const file = path.join(path.dirname(migration.path), downName);
  const sql = await readText(file);
  if (sql === undefined) return undefined;
  await loadParser();
  const plan = planScript(sql);
  const empty = plan.kind === "transaction" && plan.parsed && plan.statements.length === 0;
  return empty ? undefined : { path: file, sql, checksum: checksumOf(sql), plan };
}

/** Why {@link readDown} finds no way back beside a migration: a clause after "it" or its name. */
export async function describeNoDown(migration: Pick<Migration, "path">): Promise<string> {
  const file = path.join(path.dirname(migration.path), downName);
  return (await readText(file)) === undefined
    ? `has no ${downName}`
    : `has a ${downName} with comments and no statement in it, by which its author says that there is no way back by SQL`;
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await readFile(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new PipelineError(
      {
        code: "DOWN_UNREADABLE",
        kind: "usage",
        message: `${file} cannot be read as UTF-8 text: ${messageOf(error)}.`,
        state: "Nothing was touched.",
        next: "Mend that, then run the same command.",
      },
      { cause: error },
    );
  }
}
