import path from "node:path";
import type { SchemasContainer } from "@prisma/schema-engine-wasm/schema_engine_bg";
import type { Database, Project } from "../contracts.js";
import { EngineError, toSchemasContainer, withEngine } from "./engine.js";
import { withoutExtensionsFeature } from "./extensionsFeature.js";
import type { PrismaSchema } from "./schema.js";
import { openSchemaDiff } from "./schemaDiff.js";

/** A database's schema as Prisma sees it (`prisma db pull`), whatever the project's own schema says of it. */
export type PulledSchema = SchemasContainer;

/** Prisma's code for a database without a table. */
const emptyDatabase = "P4001";

/** Depth to which the composite types of MongoDB are looked into; PostgreSQL has none that Prisma models. */
const noComposites = 0;

/** Reads the schema of a database as Prisma sees it. */
export async function pullSchema(
  database: Database,
  project: Pick<Project, "schema">,
  schema: PrismaSchema,
): Promise<PulledSchema> {
  const plain = withoutExtensionsFeature(schema);
  const params = {
    schema: toSchemasContainer(plain),
    baseDirectoryPath: path.dirname(project.schema),
    // Of the models that the project has nothing is taken over: names, relations and comments are those of the database.
    force: true,
    compositeTypeDepth: noComposites,
    namespaces: null,
  };
  try {
    return await withEngine(
      database,
      project,
      { schema: plain },
      async ({ api }) => (await api.introspect(params)).schema,
    );
  } catch (error) {
    if (error instanceof EngineError && error.code === emptyDatabase) return { files: [] };
    throw error;
  }
}

/** What Prisma would write into a migration that leads from one to the other; empty where it sees no difference. */
export async function diffPulled(from: PulledSchema, to: PulledSchema): Promise<string> {
  if (JSON.stringify(from.files) === JSON.stringify(to.files)) return "";
  const diff = await openSchemaDiff();
  return (await diff(from.files, to.files)).trim();
}
