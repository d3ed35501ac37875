import {
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  bindMigrationAwareSqlAdapterFactory,
} from "@prisma/driver-adapter-utils";
import type { DiffTarget, SchemasContainer } from "@prisma/schema-engine-wasm/schema_engine_bg";
import { allTables } from "./engine.js";
import { loadSchemaEngine } from "./wasm.js";

/** Says what Prisma would write into a migration that leads from one schema's text to another's; empty: nothing. */
export type SchemaDiff = (from: SchemaText, to: SchemaText) => Promise<string>;

/** A schema's text, or its files; none is that of an empty database. */
type SchemaText = string | SchemasContainer["files"];

/** Prisma's schema engine without a database: comparing two schemas needs none, it only asks for a version as it starts. */
export async function openSchemaDiff(): Promise<SchemaDiff> {
  const { SchemaEngine } = await loadSchemaEngine();
  const api = await SchemaEngine.new(
    { datamodels: undefined },
    () => undefined,
    bindMigrationAwareSqlAdapterFactory(noDatabase),
  );
  const container = (text: SchemaText): DiffTarget => {
    const files = typeof text === "string" ? [{ path: "schema.prisma", content: text }] : text;
    return files.length === 0 ? { tag: "empty" } : { tag: "schemaDatamodel", files };
  };
  return async (from, to) => {
    const input = { from: container(from), to: container(to), script: true, exitCode: true, filters: allTables };
    const { exitCode, stdout } = await api.diff(input);
    return exitCode === 0 ? "" : (stdout ?? "");
  };
}

/** Answers the one question that the engine asks as it starts: whether its schema is there, and the server's version. */
const adapter: SqlDriverAdapter = {
  provider: "postgres",
  adapterName: "none",
  queryRaw: () =>
    Promise.resolve({
      columnNames: ["exists", "version", "numeric_version"],
      columnTypes: [5, 7, 0],
      rows: [[true, "PostgreSQL 15.0", 150000]],
    }),
  executeRaw: refuse,
  executeScript: refuse,
  startTransaction: refuse,
  dispose: () => Promise.resolve(),
};

const noDatabase: SqlMigrationAwareDriverAdapterFactory = {
  provider: "postgres",
  adapterName: "none",
  connect: () => Promise.resolve(adapter),
  connectToShadowDb: () => Promise.resolve(adapter),
};

function refuse(): Promise<never> {
  return Promise.reject(new Error("there is no database here"));
}
