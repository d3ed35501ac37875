import { createHash } from "node:crypto";
import { readFile, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { PipelineError, messageOf } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { type ScriptPlan, loadParser, planScript } from "./plan.js";

/** One folder of Prisma's migrations folder. */
export interface Migration {
  /** The folder's name, which is the migration's name: `20240101120000_add_orders`. */
  readonly name: string;
  /** Absolute path of its `migration.sql`. */
  readonly path: string;
  readonly sql: string;
  /** SHA-256 of `sql`, as Prisma records it in `_prisma_migrations`. */
  readonly checksum: string;
  /** How it is run so that it is applied whole or not at all. */
  readonly plan: ScriptPlan;
}

/** What is in Prisma's migrations folder. */
export interface MigrationsFolder {
  readonly folder: string;
  /** `provider` of `migration_lock.toml`; Prisma goes on without that file, and so does this. */
  readonly provider: "postgresql" | undefined;
  /** Text of `migration_lock.toml`. */
  readonly lockfile: string | undefined;
  /** In the order in which Prisma applies them. */
  readonly migrations: readonly Migration[];
}

const lockfileName = "migration_lock.toml";
const scriptName = "migration.sql";

/**
 * Reads a migrations folder as Prisma 7 does (`listMigrations` of `@prisma/migrate`): every folder in it is a migration, files
 * in it are ignored. Unlike Prisma, a folder that is missing is an error and never "nothing to do".
 *
 * @throws PipelineError (`usage`) where the folder, a `migration.sql` or the lock file cannot be used.
 */
export async function readMigrations(folder: string): Promise<MigrationsFolder> {
  const names = await listFolders(folder);
  const lockfile = await readLockfile(folder);
  const provider = lockfile === undefined ? undefined : providerOf(lockfile, folder);
  await loadParser();
  const migrations = await Promise.all(names.map((name) => readMigration(folder, name)));
  return { folder, provider, lockfile, migrations };
}

/** The same folder with the named migrations only, for replaying a part of the history. */
export function restrictTo(folder: MigrationsFolder, names: ReadonlySet<string>): MigrationsFolder {
  return { ...folder, migrations: folder.migrations.filter(({ name }) => names.has(name)) };
}

/** SHA-256 of a migration's text in hexadecimal digits, as Prisma records it for a newly applied migration. */
export function checksumOf(sql: string): string {
  return createHash("sha256").update(sql, "utf8").digest("hex");
}

/**
 * Whether a recorded checksum is of this text, as Prisma compares (`checksum.rs` of prisma-engines): line ends do not matter,
 * since git changes them, and a checksum of an early release may lack the zeros at the start of its bytes.
 */
export function checksumMatches(sql: string, recorded: string): boolean {
  const lf = sql.replaceAll("\r\n", "\n");
  return [sql, lf, lf.replaceAll("\n", "\r\n")].some((text) => {
    const checksum = checksumOf(text);
    return checksum === recorded || (recorded.length < 64 && unpadded(checksum) === recorded);
  });
}

function unpadded(checksum: string): string {
  return checksum.replace(/../g, (byte) => (byte.startsWith("0") ? byte.slice(1) : byte));
}

async function listFolders(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    // Prisma sorts in the locale's order, which puts `_` before digits; a plain comparison would not.
    return entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort((a, b) => a.localeCompare(b));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw unusable(
      missing ? "MIGRATIONS_MISSING" : "MIGRATIONS_UNREADABLE",
      missing
        ? `There is no migrations folder ${folder}; without it nothing could be told from an application that has no migrations.`
        : `The migrations folder ${folder} cannot be read: ${messageOf(error)}.`,
      missing
        ? `Mend the path in the configuration (project.migrations). Where there is no migration yet: mkdir -p '${folder}'; npm start; ${npmRun("local", "prisma:migrate:create", "--name init")}.`
        : "Mend that, then run the same command.",
    );
  }
}

async function readMigration(folder: string, name: string): Promise<Migration> {
  const file = path.join(folder, name, scriptName);
  const sql = decode(await readScript(file, name), file);
  return { name, path: file, sql, checksum: checksumOf(sql), plan: planScript(sql) };
}

async function readScript(file: string, name: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw unusable(
      "MIGRATION_UNREADABLE",
      missing
        ? `Migration "${name}" has no ${scriptName} (${file}).`
        : `${file} of migration "${name}" cannot be read: ${messageOf(error)}.`,
      missing
        ? `Put ${scriptName} back from version control, or remove the folder ${path.dirname(file)}.`
        : "Mend that, then run the same command.",
    );
  }
}

/** Prisma replaces what is no UTF-8 silently, and would run another text than the one that was reviewed. */
function decode(bytes: Buffer, file: string): string {
  const remedy = "Save the file as UTF-8 text, then run the same command.";
  if (bytes.includes(0)) throw unusable("MIGRATION_ENCODING", `${file} holds a NUL character.`, remedy);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw unusable("MIGRATION_ENCODING", `${file} is not valid UTF-8.`, remedy);
  }
}

async function readLockfile(folder: string): Promise<string | undefined> {
  const file = path.join(folder, lockfileName);
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unusable(
      "LOCKFILE_UNREADABLE",
      `${file} cannot be read: ${messageOf(error)}.`,
      "Mend that, then run the same command.",
    );
  }
}

function providerOf(lockfile: string, folder: string): "postgresql" {
  const file = path.join(folder, lockfileName);
  const provider = /^\s*provider\s*=\s*(?:"([^"]*)"|'([^']*)')/m.exec(lockfile)?.slice(1).find(Boolean);
  if (provider === undefined) {
    throw unusable(
      "LOCKFILE_UNREADABLE",
      `${file} names no provider.`,
      `Put it back from version control; for PostgreSQL it reads: provider = "postgresql".`,
    );
  }
  if (provider !== "postgresql") {
    throw unusable(
      "OTHER_PROVIDER",
      `The migrations in ${folder} are for "${provider}" (${lockfileName}); this program migrates PostgreSQL only.`,
      "Name the folder with the PostgreSQL migrations in the configuration.",
    );
  }
  return provider;
}

/** Whether `path` is a folder; used before writing into a migrations folder that may not be there yet. */
export async function isFolder(name: string): Promise<boolean> {
  return stat(name).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function unusable(code: string, message: string, next: string): PipelineError {
  return new PipelineError({ code, kind: "usage", message, state: "Nothing was touched.", next });
}
