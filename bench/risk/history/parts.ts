import type { Tier } from "../../../pipeline/risk/types.js";
import { type Field, type Model, type Schema } from "./model.js";
import type { Random } from "./random.js";
import { fieldWords, modelWords } from "./words.js";

/** One thing that a migration does. */
export interface Step {
  /** Changes the Prisma schema; absent: SQL alone. */
  readonly edit?: (schema: Schema) => void;
  /** Written by hand, after what Prisma writes for the change of the schema. */
  readonly sql?: string;
  /** The SQL does what `edit` does, so Prisma is not asked for it. */
  readonly byHand?: boolean;
  /** The least that it must be called, by what it is and not by what a tool says. */
  readonly least: Tier;
}

export interface StepKind {
  readonly name: string;
  /** How often, beside the others. */
  readonly weight: number;
  /** Also written into a filebeside another change. */
  readonly benign?: boolean;
  /** `undefined`: there is nothing in the schema that it could be done to. */
  make(this: void, schema: Schema, random: Random): Step | undefined;
}

export function unused(words: readonly string[], taken: ReadonlySet<string>, random: Random): string {
  const word = random.pick(words);
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? word : `${word}${count}`;
    if (!taken.has(name)) return name;
  }
}

export function fieldNames(model: Model): Set<string> {
  return new Set(["id", ...model.fields.map(({ name }) => name), ...model.links.map(({ column }) => column)]);
}

const plain: readonly Pick<Field, "type" | "native">[] = [
  { type: "String", native: "" },
  { type: "String", native: "" },
  { type: "String", native: "@db.VarChar(100)" },
  { type: "Int", native: "" },
  { type: "Int", native: "" },
  { type: "Float", native: "" },
  { type: "Decimal", native: "@db.Decimal(10,2)" },
  { type: "DateTime", native: "" },
  { type: "Boolean", native: "" },
  { type: "Json", native: "" },
];

const constants: Readonly<Record<string, string>> = {
  String: `""`,
  Int: "0",
  Float: "0",
  Decimal: "0",
  DateTime: "now()",
  Boolean: "false",
  Json: `"{}"`,
};

export function newField(model: Model, random: Random, filled: "optional" | "default" | "required"): Field {
  const { type, native } = random.pick(plain);
  return {
    name: unused(fieldWords, fieldNames(model), random),
    type,
    native,
    optional: filled === "optional",
    list: false,
    value: filled === "default" ? (constants[type] ?? "") : "",
    unique: false,
  };
}

export function newModel(schema: Schema, random: Random): Model {
  const taken = new Set([...schema.models, ...schema.enums].map(({ name }) => name));
  const model: Model = {
    name: unused(modelWords, taken, random),
    id: random.chance(0.6) ? "String @id @default(cuid())" : "Int @id @default(autoincrement())",
    fields: [],
    links: [],
    indexes: [],
  };
  const count = 2 + Math.floor(random.next() * 6);
  for (let at = 0; at < count; at += 1)
    model.fields.push(newField(model, random, random.chance(0.5) ? "required" : "optional"));
  if (schema.models.length > 0 && random.chance(0.7)) {
    const to = random.pick(schema.models).name;
    const column = `${to.charAt(0).toLowerCase()}${to.slice(1)}Id`;
    if (!fieldNames(model).has(column)) {
      model.links.push({ column, to, optional: random.chance(0.4), onDelete: "Cascade" });
      if (random.chance(0.5)) model.indexes.push([column]);
    }
  }
  return model;
}

/** The model of that name in another copy of the schema. */
export function modelIn(schema: Schema, name: string): Model {
  const model = schema.models.find((one) => one.name === name);
  if (model === undefined) throw new Error(`there is no model ${name}`);
  return model;
}

export function fieldIn(schema: Schema, model: string, field: string): Field {
  const found = modelIn(schema, model).fields.find(({ name }) => name === field);
  if (found === undefined) throw new Error(`there is no field ${model}.${field}`);
  return found;
}

/** A field that a test is true of. */
export function findField(
  schema: Schema,
  random: Random,
  suits: (field: Field, model: Model) => boolean,
): { model: Model; field: Field } | undefined {
  const all = schema.models.flatMap((model) =>
    model.fields.filter((field) => suits(field, model)).map((field) => ({ model, field })),
  );
  return all.length === 0 ? undefined : random.pick(all);
}

export function isFree(field: Field, model: Model): boolean {
  return !field.unique && !model.indexes.some((columns) => columns.includes(field.name));
}

/** The enum of that name. */
export function enumIn(schema: Schema, name: string): Schema["enums"][number] {
  const found = schema.enums.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no enum ${name}`);
  return found;
}
