import path from "node:path";
import { get_config, get_dmmf } from "@prisma/prisma-schema-wasm";
import { z } from "zod";
import { PipelineError, messageOf } from "../errors.js";
import { type OlderProperty, withoutOlderProperties } from "./olderSchema.js";
import { readSchemaFiles, type SchemaFile } from "./schemaFiles.js";

export { readSchemaFiles, type SchemaFile };

/** A scalar or enum field of a model, under the name its column has. */
export interface Column {
  readonly field: string;
  readonly column: string;
  /** Prisma's type: `Int`, `String`, an enum's name, … */
  readonly type: string;
  readonly required: boolean;
  readonly list: boolean;
  readonly id: boolean;
}

export interface Model {
  readonly name: string;
  readonly table: string;
  /** PostgreSQL schema of the table. */
  readonly schema: string;
  readonly columns: readonly Column[];
}

/** A relation, from the side that holds the columns; with `relationMode = "prisma"` no foreign key in the database guards it. */
export interface Relation {
  /** Prisma's name of the relation: `OrderToUser`. */
  readonly name: string;
  /** Model that holds the columns; for the two halves of an implicit many-to-many relation the join table's name. */
  readonly model: string;
  readonly table: string;
  readonly schema: string;
  readonly columns: readonly string[];
  readonly referencedTable: string;
  readonly referencedSchema: string;
  readonly referencedColumns: readonly string[];
  /** Every row must have a partner; otherwise a row with a null among its columns has none and is no orphan. */
  readonly required: boolean;
}

/** What the pipeline has to know of a Prisma schema, under the names that the database uses. */
export interface PrismaSchema {
  /** As Prisma 7 takes them: without {@link olderProperties}. */
  readonly files: readonly SchemaFile[];
  /** What a schema of an older Prisma holds and this program neither reads nor needs. */
  readonly olderProperties: readonly OlderProperty[];
  readonly models: readonly Model[];
  readonly relations: readonly Relation[];
  /** `prisma`: the database has no foreign keys. */
  readonly relationMode: "foreignKeys" | "prisma";
  /** `schemas` of the datasource; empty where it names none. */
  readonly schemas: readonly string[];
  /** PostgreSQL schema of Prisma's connection, which holds the tables without `@@schema` and Prisma's history. */
  readonly defaultSchema: string;
}

const fieldSchema = z.object({
  name: z.string(),
  dbName: z.string().nullish(),
  kind: z.string(),
  type: z.string(),
  isList: z.boolean(),
  isRequired: z.boolean(),
  isId: z.boolean(),
  relationName: z.string().optional(),
  relationFromFields: z.array(z.string()).optional(),
  relationToFields: z.array(z.string()).optional(),
});
type Field = z.infer<typeof fieldSchema>;

const modelSchema = z.object({
  name: z.string(),
  dbName: z.string().nullish(),
  schema: z.string().nullish(),
  fields: z.array(fieldSchema),
});
type DmmfModel = z.infer<typeof modelSchema>;

const dmmfSchema = z.object({ datamodel: z.object({ models: z.array(modelSchema) }) });
const configSchema = z.object({
  config: z.object({
    datasources: z.array(z.object({ provider: z.string(), schemas: z.array(z.string()) })),
    generators: z.array(
      z.object({ output: z.object({ value: z.string().nullable() }).nullable(), sourceFilePath: z.string() }),
    ),
  }),
});

/**
 * Loads and checks a Prisma schema with Prisma's own parser. Models with `@@ignore` and views are left out.
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
  const text = files.map(({ content }) => withoutComments(content)).join("\n");
  const schemas = checkDatasource(files);
  const views = new Set([...text.matchAll(/^\s*view\s+(\w+)\s*\{/gm)].map(([, name]) => name));
  const dmmf = dmmfSchema.parse(
    JSON.parse(ask(() => get_dmmf(JSON.stringify({ prismaSchema: pairs(files), noColor: true })))),
  );
  const found = dmmf.datamodel.models.filter(({ name }) => !views.has(name));
  const models = found.map((model) => toModel(model, defaultSchema));
  const relations = relationsOf(found, models);
  const relationMode = relationModeOf(text);
  return { files, olderProperties: removed, models, relations, relationMode, schemas, defaultSchema };
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

/** Files in the form that Prisma's parser and engine take. */
export function pairs(files: readonly SchemaFile[]): [path: string, content: string][] {
  return files.map(({ path, content }) => [path, content]);
}

function toModel(model: DmmfModel, defaultSchema: string): Model {
  return {
    name: model.name,
    table: model.dbName ?? model.name,
    schema: model.schema ?? defaultSchema,
    columns: model.fields
      .filter(({ kind }) => kind !== "object")
      .map((field) => ({
        field: field.name,
        column: field.dbName ?? field.name,
        type: field.type,
        required: field.isRequired,
        list: field.isList,
        id: field.isId,
      })),
  };
}

function relationsOf(found: readonly DmmfModel[], models: readonly Model[]): Relation[] {
  const byName = new Map(models.map((model) => [model.name, model]));
  const direct = found.flatMap((model) =>
    model.fields.flatMap((field) => {
      const from = byName.get(model.name);
      const to = byName.get(field.type);
      if (from === undefined || to === undefined || (field.relationFromFields ?? []).length === 0) return [];
      return [foreignKeyOf(field, from, to)];
    }),
  );
  return [...direct, ...joinTablesOf(found, byName)];
}

function foreignKeyOf(field: Field, from: Model, to: Model): Relation {
  return {
    name: field.relationName ?? "",
    model: from.name,
    table: from.table,
    schema: from.schema,
    columns: columnNames(from, field.relationFromFields ?? []),
    referencedTable: to.table,
    referencedSchema: to.schema,
    referencedColumns: columnNames(to, field.relationToFields ?? []),
    required: field.isRequired,
  };
}

function columnNames(model: Model, fields: readonly string[]): string[] {
  return fields.map((name) => model.columns.find(({ field }) => field === name)?.column ?? name);
}

/** An end of an implicit many-to-many relation. */
interface End {
  readonly relation: string;
  readonly field: Field;
  readonly model: Model;
}

/**
 * Implicit many-to-many relations live in a table `_<relation>` with the columns `A` and `B`, which hold the keys of the model
 * that sorts first and of the other one (Prisma's documentation, "Relation tables"); the table is in the schema of the first.
 */
function joinTablesOf(found: readonly DmmfModel[], byName: ReadonlyMap<string, Model>): Relation[] {
  const ends = found.flatMap((model) =>
    model.fields.flatMap((field): End[] => {
      const from = byName.get(model.name);
      const partner = found.find(({ name }) => name === field.type);
      const opposite = partner?.fields.find(
        (other) =>
          other.relationName === field.relationName && (partner.name !== model.name || other.name !== field.name),
      );
      const implicit = field.kind === "object" && field.isList && opposite?.isList === true;
      return from !== undefined && implicit ? [{ relation: field.relationName ?? "", field, model: from }] : [];
    }),
  );
  return [...new Set(ends.map(({ relation }) => relation))].flatMap((relation) => {
    const pair = ends.filter((end) => end.relation === relation);
    const sorted = pair.toSorted((a, b) => compare(a.model.name, b.model.name) || compare(b.field.name, a.field.name));
    const owner = sorted[0]?.model;
    if (owner === undefined) return [];
    return sorted.map((end, at) => ({
      name: relation,
      model: `_${relation}`,
      table: `_${relation}`,
      schema: owner.schema,
      columns: [at === 0 ? "A" : "B"],
      referencedTable: end.model.table,
      referencedSchema: end.model.schema,
      referencedColumns: end.model.columns.filter(({ id }) => id).map(({ column }) => column),
      required: true,
    }));
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Prisma's parser does not tell the mode of relations, so it is read from the datasource block. */
function relationModeOf(text: string): PrismaSchema["relationMode"] {
  const block = /^\s*datasource\s+\w+\s*\{([^}]*)\}/m.exec(text)?.[1] ?? "";
  return /^\s*(?:relationMode|referentialIntegrity)\s*=\s*"prisma"/m.test(block) ? "prisma" : "foreignKeys";
}

function withoutComments(content: string): string {
  return content.replace(/("(?:\\.|[^"\\])*")|\/\/.*$/gm, (_, text: string | undefined) => text ?? "");
}

const complaint = z.object({ message: z.string() });

/** Calls Prisma's parser; what it throws holds its message as JSON. */
function ask(question: () => string): string {
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
