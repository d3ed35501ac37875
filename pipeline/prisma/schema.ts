import path from "node:path";
import { get_config, validate } from "@prisma/prisma-schema-wasm";
import { z } from "zod";
import { PipelineError, messageOf } from "../errors.js";
import { type Datamodel, type Model, type Relation, readDatamodel } from "./datamodel.js";
import { type OlderProperty, withoutOlderProperties } from "./olderSchema.js";
import { type SchemaFile, pairs, readSchemaFiles } from "./schemaFiles.js";

export { readSchemaFiles, type Model, type Relation, type SchemaFile };

/** What the pipeline has to know of a Prisma schema, under the names that the database uses. */
export interface PrismaSchema {
  /** As Prisma 7 takes them: without {@link olderProperties}. */
  readonly files: readonly SchemaFile[];
  /** What a schema of an older Prisma holds and this program neither reads nor needs. */
  readonly olderProperties: readonly OlderProperty[];
  /** Without those with `@@ignore`, and without views. Read when first asked for, which takes a fifth of a second. */
  readonly models: readonly Model[];
  readonly relations: readonly Relation[];
  /** `prisma`: the database has no foreign keys. */
  readonly relationMode: "foreignKeys" | "prisma";
  /** `schemas` of the datasource; empty where it names none. */
  readonly schemas: readonly string[];
  /** PostgreSQL schema of Prisma's connection, which holds the tables without `@@schema` and Prisma's history. */
  readonly defaultSchema: string;
}

const configSchema = z.object({
  config: z.object({
    datasources: z.array(z.object({ provider: z.string(), schemas: z.array(z.string()) })),
    generators: z.array(
      z.object({ output: z.object({ value: z.string().nullable() }).nullable(), sourceFilePath: z.string() }),
    ),
  }),
});

/**
 * Loads and checks a Prisma schema with Prisma's own parser.
 *
 * @param schema Path of a file, or of a folder of `.prisma` files.
 * @param defaultSchema PostgreSQL schema of tables without `@@schema`.
 * @throws PipelineError (`usage`) with Prisma's own message where the schema is not valid, or is not for PostgreSQL.
 */
export async function loadSchema(schema: string, defaultSchema?: string): Promise<PrismaSchema> {
  return readSchema(await readSchemaFiles(schema), defaultSchema);
}

/** {@link loadSchema} for files that are already loaded. */
export function readSchema(original: readonly SchemaFile[], defaultSchema = "public"): PrismaSchema {
  const { files, removed } = withoutOlderProperties(original);
  const schemas = checkDatasource(files);
  ask(() => validate(JSON.stringify({ prismaSchema: pairs(files), noColor: true })));
  const relationMode = relationModeOf(textOf(files));
  let read: Datamodel | undefined;
  const datamodel = (): Datamodel => (read ??= ask(() => readDatamodel(files, textOf(files), defaultSchema)));
  return {
    files,
    olderProperties: removed,
    relationMode,
    schemas,
    defaultSchema,
    get models() {
      return datamodel().models;
    },
    get relations() {
      return datamodel().relations;
    },
  };
}

/** Absolute paths of what the schema's generators write, where it says so: the Prisma client among them. */
export function generatedPaths(files: readonly SchemaFile[]): string[] {
  return readConfig(files).generators.flatMap(({ output, sourceFilePath }) =>
    output?.value == null ? [] : [path.resolve(path.dirname(sourceFilePath), output.value)],
  );
}

function readConfig(files: readonly SchemaFile[]): z.infer<typeof configSchema>["config"] {
  const request = { prismaSchema: pairs(files), datasourceOverrides: {}, ignoreEnvVarErrors: true, env: {} };
  return configSchema.parse(JSON.parse(ask(() => get_config(JSON.stringify(request))))).config;
}

function checkDatasource(files: readonly SchemaFile[]): string[] {
  const [datasource] = readConfig(files).datasources;
  const where = files.map(({ path }) => path).join(", ");
  if (datasource === undefined) {
    throw invalid("SCHEMA_INVALID", `The Prisma schema (${where}) has no datasource block.`);
  }
  if (!["postgresql", "postgres"].includes(datasource.provider)) {
    throw invalid(
      "OTHER_PROVIDER",
      `The Prisma schema (${where}) is for "${datasource.provider}"; this program migrates PostgreSQL only.`,
    );
  }
  return datasource.schemas;
}

/** Prisma's parser does not tell the mode of relations, so it is read from the datasource block. */
function relationModeOf(text: string): PrismaSchema["relationMode"] {
  const block = /^\s*datasource\s+\w+\s*\{([^}]*)\}/m.exec(text)?.[1] ?? "";
  return /^\s*(?:relationMode|referentialIntegrity)\s*=\s*"prisma"/m.test(block) ? "prisma" : "foreignKeys";
}

/** The text of all files, without their comments. */
function textOf(files: readonly SchemaFile[]): string {
  return files.map(({ content }) => withoutComments(content)).join("\n");
}

function withoutComments(content: string): string {
  return content.replace(/("(?:\\.|[^"\\])*")|\/\/.*$/gm, (_, text: string | undefined) => text ?? "");
}

const complaint = z.object({ message: z.string() });

/** Calls Prisma's parser; what it throws holds its message as JSON. */
function ask<T>(question: () => T): T {
  try {
    return question();
  } catch (error) {
    throw invalid("SCHEMA_INVALID", `The Prisma schema is not valid.\n${complaintOf(messageOf(error))}`);
  }
}

function complaintOf(message: string): string {
  try {
    return complaint.parse(JSON.parse(message)).message;
  } catch {
    return message;
  }
}

function invalid(code: string, message: string): PipelineError {
  return new PipelineError({
    code,
    kind: "usage",
    message,
    state: "Nothing was touched.",
    next: "Mend the Prisma schema, then run the same command.",
  });
}
