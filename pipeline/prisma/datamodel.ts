import { get_dmmf } from "@prisma/prisma-schema-wasm";
import { z } from "zod";
import { type SchemaFile, pairs } from "./schemaFiles.js";

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

/** The models of a Prisma schema and how they refer to each other, under the names that the database uses. */
export interface Datamodel {
  readonly models: readonly Model[];
  readonly relations: readonly Relation[];
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
/**
 * Reads the models of a schema; those with `@@ignore` and views are left out.
 *
 * @param text that of all files without comments, in which views are told from models.
 */
export function readDatamodel(files: readonly SchemaFile[], text: string, defaultSchema: string): Datamodel {
  const views = new Set([...text.matchAll(/^\s*view\s+(\w+)\s*\{/gm)].map(([, name]) => name));
  const dmmf = dmmfSchema.parse(JSON.parse(get_dmmf(JSON.stringify({ prismaSchema: pairs(files), noColor: true }))));
  const found = dmmf.datamodel.models.filter(({ name }) => !views.has(name));
  const models = found.map((model) => toModel(model, defaultSchema));
  return { models, relations: relationsOf(found, models) };
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
