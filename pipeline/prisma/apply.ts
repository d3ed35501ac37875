import type { Database, Project } from "../contracts.js";
import { PipelineError } from "../errors.js";
import type { Logger } from "../log.js";
import { npmRun } from "../npmRun.js";
import { isConnectionError } from "../postgres/connection.js";
import { type EngineOptions, EngineError, allTables, toMigrationList, withEngine } from "./engine.js";
import type { MigrationsFolder } from "./migrations.js";
import { ScriptFailure, migrateApplicationName } from "./script.js";
import type { TimeoutLimits } from "./timeouts.js";

export { migrateApplicationName };

export interface ApplyOptions extends TimeoutLimits {
  readonly log: Logger;
  readonly signal?: AbortSignal;
}

/** A migration that could not be applied. */
export class MigrationFailure extends Error {
  /** PostgreSQL's SQLSTATE, where the error is PostgreSQL's. */
  readonly sqlState: string | undefined;
  /** The lines of the file with a caret under the place; empty where the place is not known. */
  readonly excerpt: string;
  /** Proved by PostgreSQL: nothing of the migration is in the database. Its row is still to be cleared. */
  readonly rolledBackWhole: boolean;
  /** One statement for itself, of which something is left half done; the next run drops that and begins again. */
  readonly resumable: boolean;
  /** The server could not be asked whether it was committed; the next run finds out, and goes on from there. */
  readonly fateUnknown: boolean;
  /** A lock was not had within the lock timeout; worth another try. */
  readonly lockTimeout: boolean;
  /** PostgreSQL chose it to end a deadlock or a conflict of serializable transactions; worth another try. */
  readonly deadlock: boolean;
  /** It ran for longer than a statement may, or a person cancelled it. */
  readonly cancelled: boolean;
  /** The connection was refused or lost: nothing in the file has to be mended. */
  readonly connectionLost: boolean;

  constructor(
    readonly migration: string,
    cause: ScriptFailure,
  ) {
    super(cause.attempt === undefined ? cause.message : messageWithPlace(cause), { cause });
    this.name = "MigrationFailure";
    this.sqlState = cause.sqlState;
    this.excerpt = cause.excerpt;
    this.rolledBackWhole = cause.rolledBackWhole;
    this.resumable = cause.fate === "resumable";
    this.fateUnknown = cause.fate === "unknown";
    this.lockTimeout = cause.sqlState === "55P03";
    this.deadlock = cause.sqlState === "40P01" || cause.sqlState === "40001";
    this.cancelled = cause.sqlState === "57014";
    this.connectionLost = isConnectionError(cause.cause);
  }
}

function messageWithPlace({ message, sqlState, line, column, excerpt }: ScriptFailure): string {
  const place = line === undefined ? "" : ` at line ${line}, column ${column ?? 1}`;
  const state = sqlState === undefined ? "" : ` (SQLSTATE ${sqlState})`;
  return `${message}${state}${place}${excerpt === "" ? "" : `\n${excerpt}`}`;
}

/**
 * Applies one pending migration with Prisma's engine, which keeps its history; the caller holds `withAdvisoryLock`.
 * The migrations before it must be applied, since the engine would apply them with it.
 *
 * @returns the time it took, in milliseconds.
 * @throws MigrationFailure where PostgreSQL refused the script, or it may not be run; PipelineError (`refused`) where Prisma's
 * engine refused before it ran anything.
 */
export async function applyMigration(
  database: Database,
  project: Pick<Project, "schema">,
  folder: MigrationsFolder,
  name: string,
  options: ApplyOptions & Pick<EngineOptions, "schema" | "environment">,
): Promise<{ durationMs: number }> {
  const migration = folder.migrations.find((candidate) => candidate.name === name);
  if (migration === undefined) throw new Error(`migration "${name}" is not in ${folder.folder}`);
  const started = performance.now();
  try {
    const one = { ...folder, migrations: [migration] };
    const { appliedMigrationNames } = await withEngine(database, project, options, ({ api }) =>
      api.applyMigrations({ migrationsList: toMigrationList(one), filters: allTables }),
    );
    if (!appliedMigrationNames.includes(name)) throw new Error(`migration "${name}" was applied already`);
  } catch (error) {
    const cause = error instanceof EngineError ? error.cause : error;
    if (cause instanceof ScriptFailure) throw new MigrationFailure(name, cause);
    throw error instanceof EngineError ? refusal(name, error, options.environment) : error;
  }
  return { durationMs: Math.round(performance.now() - started) };
}

/** The engine's own refusals (P3005: tables without a history; P3009: a failed row) come before it runs anything. */
function refusal(name: string, error: EngineError, environment = "local"): PipelineError {
  const baseline = error.code === "P3005";
  const resolve = npmRun(environment, "prisma:migrate:resolve", "--applied NAME");
  return new PipelineError(
    {
      code: error.code ?? "PRISMA_ENGINE",
      kind: "refused",
      message: baseline
        ? `${name} was not applied: the database has tables, but no history of migrations that made them (Prisma's P3005).`
        : `${name} was not applied: ${error.message}`,
      state: "Nothing of this migration was run.",
      next: baseline
        ? `Record the migrations that the tables came from, each with: ${resolve}. Then run the same command.`
        : `See both sides of the history: ${npmRun(environment, "prisma:migrate:status")}`,
    },
    { cause: error },
  );
}

/**
 * Marks the failed row of a migration as rolled back, so that it is applied again; only after it was proved that it changed nothing,
 * or where a person says so.
 */
export async function clearFailed(
  database: Database,
  project: Pick<Project, "schema">,
  name: string,
  options: EngineOptions = {},
): Promise<void> {
  await withEngine(database, project, options, ({ api }) => api.markMigrationRolledBack({ migrationName: name }));
}
