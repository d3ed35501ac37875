import { existsSync, readFileSync, readdirSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { PipelineError, messageOf } from "../errors.js";
import type { MigrationSource } from "./types.js";

/** A file to judge, with what was applied before it. */
export interface FileToJudge {
  readonly source: MigrationSource;
  /** In the order in which Prisma applies them; undefined where nothing is known of what was before. */
  readonly history: readonly MigrationSource[] | undefined;
  /** The folder whose whole history is judged at once; undefined: the file is judged by itself after `history`. */
  readonly folder: string | undefined;
}

export const scriptName = "migration.sql";

/**
 * Finds the history of each file: the migrations folder it lies in (`…/NAME/migration.sql`), or the one that is named. Each
 * folder is read once.
 *
 * @throws PipelineError (`usage`) where a file or the folder cannot be read.
 */
export function filesToJudge(files: readonly string[], historyFolder?: string): FileToJudge[] {
  const folders = new Map<string, readonly MigrationSource[]>();
  const folderOf = (folder: string) => {
    const key = realPath(folder);
    const known = folders.get(key) ?? readFolder(folder);
    folders.set(key, known);
    return { key, migrations: known };
  };
  return files.flatMap(inside).map((named) => {
    const file = locate(named);
    const name = path.basename(path.dirname(path.resolve(file)));
    const inFolder = path.basename(file) === scriptName;
    if (historyFolder === undefined && !inFolder) {
      return { source: { name: named, path: named, sql: readSql(file) }, history: undefined, folder: undefined };
    }
    const own = path.dirname(path.dirname(path.resolve(file)));
    const { key, migrations } = folderOf(historyFolder === undefined ? own : locate(historyFolder));
    const sql = readSql(file);
    const known = inFolder ? migrations.find((migration) => migration.name === name) : undefined;
    if (known?.sql === sql) return { source: { ...known, path: named }, history: migrations, folder: key };
    // Not of the folder: after those that sort before it, or after all where it has no migration's name.
    const before = inFolder ? migrations.filter((migration) => migration.name.localeCompare(name) < 0) : migrations;
    return { source: { name: inFolder ? name : named, path: named, sql }, history: before, folder: undefined };
  });
}

/** A folder stands for what is in it: a migration's for its script, a migrations folder for all of them. */
function inside(named: string): string[] {
  const found = statSync(locate(named), { throwIfNoEntry: false });
  if (found?.isDirectory() !== true) return [named];
  const own = path.join(named, scriptName);
  if (existsSync(locate(own))) return [own];
  const scripts = readFolder(locate(named)).map(({ name }) => path.join(named, name, scriptName));
  if (scripts.length > 0) return scripts;
  throw unreadable(named, new Error(`there is no ${scriptName} in it`));
}

/** npm runs scripts in the project's folder; a path may be meant from where npm was called. */
function locate(file: string): string {
  const caller = process.env["INIT_CWD"];
  if (caller === undefined || path.isAbsolute(file) || existsSync(file)) return file;
  const there = path.resolve(caller, file);
  return existsSync(there) ? there : file;
}

/** The migrations of a folder in Prisma's order; a folder without a script is passed over, since nothing is applied here. */
export function readFolder(folder: string): MigrationSource[] {
  let names: string[];
  try {
    names = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch (error) {
    throw unreadable(folder, error);
  }
  // Prisma sorts in the locale's order, which puts `_` before digits; a plain comparison would not.
  return names
    .sort((a, b) => a.localeCompare(b))
    .flatMap((name) => {
      const file = path.join(folder, name, scriptName);
      const sql = readIfThere(file);
      return sql === undefined ? [] : [{ name, path: file, sql }];
    });
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw unreadable(file, error);
  }
}

function readSql(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw unreadable(file, error);
  }
}

function realPath(folder: string): string {
  try {
    return realpathSync(folder);
  } catch (error) {
    throw unreadable(folder, error);
  }
}

function unreadable(file: string, error: unknown): PipelineError {
  return new PipelineError({
    code: "RISK_UNREADABLE",
    kind: "usage",
    message: `${file} cannot be read: ${messageOf(error)}.`,
    state: "Nothing was touched.",
    next: "Mend the path: npm run risk -- FILE… (…/migrations/NAME/migration.sql), or --history DIR for the folder of those before it.",
  });
}
