import { type Field } from "./model.js";
import {
  type StepKind,
  enumIn,
  fieldIn,
  fieldNames,
  findField,
  isFree,
  modelIn,
  newField,
  newModel,
  unused,
} from "./parts.js";
import { enumWords, fieldWords, valueWords } from "./words.js";

/** What Prisma writes where its schema grows, or asks for less. */
export const growingSteps: readonly StepKind[] = [
  {
    name: "new model",
    weight: 14,
    benign: true,
    make(schema, random) {
      const model = newModel(schema, random);
      return { least: "safe", edit: (after) => after.models.push(structuredClone(model)) };
    },
  },
  {
    name: "new fields, optional or with a constant",
    weight: 30,
    benign: true,
    make(schema, random) {
      const { name } = random.pick(schema.models);
      const count = 1 + Math.floor(random.next() * 3);
      const fields: Field[] = [];
      const draft = structuredClone(modelIn(schema, name));
      for (let at = 0; at < count; at += 1) {
        const field = newField(draft, random, random.chance(0.6) ? "optional" : "default");
        draft.fields.push(field);
        fields.push(field);
      }
      return { least: "safe", edit: (after) => modelIn(after, name).fields.push(...structuredClone(fields)) };
    },
  },
  {
    name: "new list field",
    weight: 2,
    make(schema, random) {
      const { name } = random.pick(schema.models);
      const field = unused(fieldWords, fieldNames(modelIn(schema, name)), random);
      const value: Field = {
        name: field,
        type: "String",
        native: "",
        optional: false,
        list: true,
        value: "",
        unique: false,
      };
      return { least: "safe", edit: (after) => modelIn(after, name).fields.push({ ...value }) };
    },
  },
  {
    name: "new optional relation",
    weight: 6,
    make(schema, random) {
      const { name } = random.pick(schema.models);
      const to = random.pick(schema.models).name;
      const column = `${to.charAt(0).toLowerCase()}${to.slice(1)}Id`;
      if (fieldNames(modelIn(schema, name)).has(column)) return undefined;
      return {
        least: "safe",
        edit: (after) => modelIn(after, name).links.push({ column, to, optional: true, onDelete: "SetNull" }),
      };
    },
  },
  {
    name: "new index",
    weight: 9,
    benign: true,
    make(schema, random) {
      const found = findField(
        schema,
        random,
        (field, model) => isFree(field, model) && field.type !== "Json" && !field.list,
      );
      if (found === undefined) return undefined;
      const { model, field } = found;
      return { least: "safe", edit: (after) => modelIn(after, model.name).indexes.push([field.name]) };
    },
  },
  {
    name: "new unique",
    weight: 3,
    make(schema, random) {
      const found = findField(schema, random, (field, model) => isFree(field, model) && field.type === "String");
      if (found === undefined) return undefined;
      return { least: "safe", edit: (after) => (fieldIn(after, found.model.name, found.field.name).unique = true) };
    },
  },
  {
    name: "new enum with a field",
    weight: 5,
    make(schema, random) {
      const { name } = random.pick(schema.models);
      const type = unused(enumWords, new Set([...schema.enums, ...schema.models].map((one) => one.name)), random);
      const field = unused(fieldWords, fieldNames(modelIn(schema, name)), random);
      const values = valueWords.slice(0, 3 + Math.floor(random.next() * 4));
      return {
        least: "safe",
        edit(after) {
          after.enums.push({ name: type, values: [...values] });
          modelIn(after, name).fields.push({
            ...{ name: field, type, native: "", optional: false, list: false, unique: false },
            value: values[0] ?? "",
          });
        },
      };
    },
  },
  {
    name: "new value of an enum",
    weight: 8,
    make(schema, random) {
      if (schema.enums.length === 0) return undefined;
      const { name, values } = random.pick(schema.enums);
      const value = unused(valueWords, new Set(values), random);
      return { least: "safe", edit: (after) => enumIn(after, name).values.push(value) };
    },
  },
  {
    name: "field no longer required",
    weight: 4,
    make(schema, random) {
      const found = findField(schema, random, (field) => !field.optional && !field.list && field.value === "");
      if (found === undefined) return undefined;
      return { least: "safe", edit: (after) => (fieldIn(after, found.model.name, found.field.name).optional = true) };
    },
  },
  {
    name: "default taken away",
    weight: 3,
    make(schema, random) {
      const found = findField(schema, random, (field) => field.value !== "" && field.type !== "DateTime");
      if (found === undefined) return undefined;
      return { least: "safe", edit: (after) => (fieldIn(after, found.model.name, found.field.name).value = "") };
    },
  },
  {
    name: "wider type",
    weight: 1,
    make(schema, random) {
      const found = findField(schema, random, ({ native }) => native === "@db.VarChar(100)");
      if (found === undefined) return undefined;
      return {
        least: "safe",
        edit: (after) =>
          (fieldIn(after, found.model.name, found.field.name).native = random.chance(0.5) ? "" : "@db.VarChar(250)"),
      };
    },
  },
];
