import path from "node:path";
import type { DiffTarget } from "@prisma/schema-engine-wasm/schema_engine_bg";
import type { Database, Project } from "../contracts.js";
import { PipelineError } from "../errors.js";
import {
  type Engine,
  type EngineOptions,
  allTables,
  toMigrationList,
  toSchemasContainer,
  withEngine,
} from "./engine.js";
import { withoutExtensionsFeature } from "./extensionsFeature.js";
import { type MigrationsFolder, readMigrations, restrictTo } from "./migrations.js";
import { explainReplay, replayFailedCode } from "./replayFailed.js";
import { loadSchema } from "./schema.js";

export interface Difference {
  readonly drifted: boolean;
  /** Prisma's description for a person; empty where nothing differs. */
  readonly summary: string;
  /** SQL that leads from the first side to the second; empty where nothing differs. */
  readonly script: string;
}

/**
 * Compares the live database with what its applied migrations make of an empty one. What Prisma does not model (a partial
 * index, a CHECK, a function) is seen on neither side; extensions are not either, see {@link withoutExtensionsFeature}.
 *
 * @param options.applied names of the applied migrations; others in the folder are left out.
 * @param options.folder the migrations where they are read already.
 * @param options.tolerant migrations that cannot be replayed are a difference too, and no error.
 * @returns `script` leads from what the migrations make to what is there.
 * @throws PipelineError (`REPLAY_FAILED`) where the migrations cannot be replayed.
 */
export async function diffDrift(
  database: Database,
  project: Pick<Project, "schema" | "migrations">,
  options: EngineOptions & {
    readonly applied: readonly string[];
    readonly folder?: MigrationsFolder;
    readonly tolerant?: boolean;
  },
): Promise<Difference> {
  const folder = restrictTo(options.folder ?? (await readMigrations(project.migrations)), new Set(options.applied));
  const schema = withoutExtensionsFeature(options.schema ?? (await loadSchema(project.schema, database.schema)));
  const compared = explainReplay(project.migrations, options, () =>
    withEngine(database, project, { ...options, schema }, (engine) =>
      diff(engine, { tag: "migrations", ...toMigrationList(folder) }, liveDatabase(engine, project)),
    ),
  );
  return compared.catch((error: unknown): Difference => {
    if (options.tolerant !== true || !(error instanceof PipelineError) || error.code !== replayFailedCode) throw error;
    return { drifted: true, summary: error.message, script: "" };
  });
}

/** Compares what the folder's migrations make with `schema.prisma`: a change of the schema that no migration makes. */
export async function diffSchema(
  database: Database,
  project: Pick<Project, "schema" | "migrations">,
  options: EngineOptions = {},
): Promise<Difference> {
  const folder = await readMigrations(project.migrations);
  const schema = withoutExtensionsFeature(options.schema ?? (await loadSchema(project.schema, database.schema)));
  return explainReplay(project.migrations, options, () =>
    withEngine(database, project, { ...options, schema }, (engine) =>
      diff(
        engine,
        { tag: "migrations", ...toMigrationList(folder) },
        { tag: "schemaDatamodel", ...toSchemasContainer(engine.schema) },
      ),
    ),
  );
}

function liveDatabase({ schema }: Engine, project: Pick<Project, "schema">): DiffTarget {
  return { tag: "schemaDatasource", ...toSchemasContainer(schema), configDir: path.dirname(project.schema) };
}

async function diff({ api }: Engine, from: DiffTarget, to: DiffTarget): Promise<Difference> {
  const ask = (script: boolean) => api.diff({ from, to, script, exitCode: true, filters: allTables });
  const summary = await ask(false);
  if (summary.exitCode === 0) return { drifted: false, summary: "", script: "" };
  const script = await ask(true);
  return { drifted: true, summary: (summary.stdout ?? "").trim(), script: (script.stdout ?? "").trim() };
}
