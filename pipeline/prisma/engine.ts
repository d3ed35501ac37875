import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import type {
  MigrationList,
  SchemaEngine,
  SchemaFilter,
  SchemasContainer,
} from "@prisma/schema-engine-wasm/schema_engine_bg";
import pg from "pg";
import { z } from "zod";
import type { Database, Project } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import { type Logger, silent } from "../log.js";
import { MendedAdapterFactory } from "./adapter.js";
import type { Migration, MigrationsFolder } from "./migrations.js";
import { type PrismaSchema, type SchemaFile, loadSchema } from "./schema.js";
import { pairs } from "./schemaFiles.js";
import { ScriptFailure } from "./script.js";
import type { Session } from "./session.js";
import { loadSchemaEngine } from "./wasm.js";

export interface EngineOptions {
  /** Name of the environment, for the commands that messages tell. @default "local" */
  readonly environment?: string;
  /** See {@link ScriptOptions}; default: no limit. */
  readonly lockTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
  readonly concurrentTimeoutMs?: number;
  /** The database is made for this and thrown away: scripts need no protection, and none is refused. */
  readonly disposable?: boolean;
  readonly log?: Logger;
  readonly signal?: AbortSignal;
  /** The schema where it is loaded already. */
  readonly schema?: PrismaSchema;
}

/** Prisma's schema engine on one database. */
export interface Engine {
  readonly api: SchemaEngine;
  readonly schema: PrismaSchema;
}

/** An error that Prisma's engine reports, with its code (`P3006`, …). */
export class EngineError extends Error {
  constructor(
    readonly code: string | undefined,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(code === undefined ? message : `${code}: ${message}`, options);
    this.name = "EngineError";
  }
}

/** No table and no enum is kept out of sight. */
export const allTables: SchemaFilter = { externalTables: [], externalEnums: [] };

/** An engine that is open; `close` ends every connection and drops every shadow database that it made. */
export interface OpenEngine {
  readonly api: SchemaEngine;
  /** Runs a call to the engine and throws what really happened; see {@link withEngine}. */
  call<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Opens Prisma's schema engine on a database; without `files` for commands that need no schema. */
export async function openEngine(
  session: Session,
  files: readonly SchemaFile[] | undefined,
  options: EngineOptions,
): Promise<OpenEngine> {
  const factory = new MendedAdapterFactory({
    session,
    lockTimeoutMs: options.lockTimeoutMs ?? 0,
    statementTimeoutMs: options.statementTimeoutMs ?? 0,
    concurrentTimeoutMs: options.concurrentTimeoutMs ?? 0,
    disposable: options.disposable ?? false,
    log: options.log ?? silent,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const { SchemaEngine: Constructor, panicked } = await loadSchemaEngine();
  let alive = true;
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await Promise.race([
        work(),
        panicked.catch((error: unknown) => {
          alive = false;
          throw error;
        }),
      ]);
    } catch (error) {
      throw translate(error, factory.failure);
    }
  };
  try {
    const api = await call(() =>
      Constructor.new(
        { datamodels: files === undefined ? undefined : pairs(files) },
        (line: string) => options.log?.debug("engine", { line }),
        bindMigrationAwareSqlAdapterFactory(factory),
      ),
    );
    const close = async (): Promise<void> => {
      // What stopped working must not be called again.
      if (alive) api.free();
      await factory.close();
    };
    return { api, call, close };
  } catch (error) {
    await factory.close();
    throw error;
  }
}

/**
 * Does `work` with Prisma's schema engine in this process; every connection and shadow database it made is gone afterwards.
 *
 * @throws PipelineError where the schema cannot be used or a connection is refused, ScriptFailure where a script failed,
 * EngineError for what the engine itself reports.
 */
export async function withEngine<T>(
  database: Database,
  project: Pick<Project, "schema">,
  options: EngineOptions,
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  const schema = options.schema ?? (await loadSchema(project.schema, database.schema));
  const engine = await openEngine({ database, defaultSchema: schema.defaultSchema }, schema.files, options);
  try {
    return await engine.call(() => work({ api: engine.api, schema }));
  } finally {
    await engine.close();
  }
}

const engineComplaint = z.object({ name: z.literal("SchemaConnectorError"), code: z.string().optional() });

/** The engine turns what its adapter threw into a text; the cause is told instead where it says more. */
function translate(error: unknown, failure: unknown): unknown {
  const complaint = engineComplaint.safeParse(error);
  if (error instanceof PipelineError) return error;
  if (failure instanceof PipelineError) return failure;
  if (complaint.success) {
    // Of an error outside the database the engine says no more than that there was one.
    const opaque = /External error id#/.test(messageOf(error)) && failure !== undefined;
    const message = opaque ? messageOf(failure) : messageOf(error);
    return new EngineError(complaint.data.code, message, { cause: failure ?? error });
  }
  if (failure instanceof ScriptFailure) return failure;
  // What PostgreSQL answered to a query of the engine's own, e.g. that it may not make the schema.
  const refused = failure instanceof pg.DatabaseError && messageOf(error).includes(failure.message);
  return refused ? new EngineError(undefined, failure.message, { cause: failure }) : error;
}

/** The migrations in the form that the engine takes. */
export function toMigrationList({
  folder,
  lockfile,
  migrations,
}: Pick<MigrationsFolder, "folder" | "lockfile"> & {
  readonly migrations: readonly Pick<Migration, "name" | "sql">[];
}): MigrationList {
  return {
    baseDir: folder,
    // Without the file the engine cannot tell for which database to compare, though it applies migrations.
    lockfile: { path: "migration_lock.toml", content: lockfile ?? 'provider = "postgresql"\n' },
    shadowDbInitScript: "",
    migrationDirectories: migrations.map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: "migration.sql", content: { tag: "ok", value: sql } },
    })),
  };
}

/** The schema in the form that the engine takes. */
export function toSchemasContainer({ files }: PrismaSchema): SchemasContainer {
  return { files: files.map(({ path, content }) => ({ path, content })) };
}
