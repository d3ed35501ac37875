import { type Model } from "./model.js";
import { type StepKind, enumIn, fieldIn, findField, isFree, modelIn, newField } from "./parts.js";

/** What Prisma writes where its schema loses something, asks for more or changes. */
export const changingSteps: readonly StepKind[] = [
  {
    name: "field dropped",
    weight: 5,
    make(schema, random) {
      const found = findField(schema, random, (field, model) => isFree(field, model) && model.fields.length > 2);
      if (found === undefined) return undefined;
      return { least: "risky", edit: (after) => dropField(modelIn(after, found.model.name), found.field.name) };
    },
  },
  {
    name: "field required",
    weight: 2,
    make(schema, random) {
      const found = findField(schema, random, (field) => field.optional);
      if (found === undefined) return undefined;
      return { least: "risky", edit: (after) => (fieldIn(after, found.model.name, found.field.name).optional = false) };
    },
  },
  {
    name: "new required field without a default",
    weight: 1.5,
    make(schema, random) {
      const { name } = random.pick(schema.models);
      const field = newField(modelIn(schema, name), random, "required");
      return { least: "risky", edit: (after) => modelIn(after, name).fields.push({ ...field }) };
    },
  },
  {
    name: "index dropped",
    weight: 1.5,
    make(schema, random) {
      const models = schema.models.filter(({ indexes }) => indexes.length > 0);
      if (models.length === 0) return undefined;
      const { name } = random.pick(models);
      return { least: "risky", edit: (after) => modelIn(after, name).indexes.pop() };
    },
  },
  {
    name: "relation with another ON DELETE",
    weight: 1,
    make(schema, random) {
      const models = schema.models.filter(({ links }) => links.length > 0);
      if (models.length === 0) return undefined;
      const { name } = random.pick(models);
      return {
        least: "risky",
        edit(after) {
          const [link] = modelIn(after, name).links;
          if (link !== undefined) link.onDelete = link.onDelete === "Restrict" ? "Cascade" : "Restrict";
        },
      };
    },
  },
  {
    name: "int to bigint",
    weight: 0.8,
    make(schema, random) {
      const found = findField(schema, random, ({ type, list }) => type === "Int" && !list);
      if (found === undefined) return undefined;
      return { least: "risky", edit: (after) => (fieldIn(after, found.model.name, found.field.name).type = "BigInt") };
    },
  },
  {
    name: "new field that the database computes",
    weight: 0.6,
    make(schema, random) {
      const { name } = random.pick(schema.models);
      const field = newField(modelIn(schema, name), random, "optional");
      return {
        least: "safe",
        edit: (after) =>
          modelIn(after, name).fields.push({
            ...field,
            ...{ type: "String", native: "@db.Uuid", optional: false, value: `dbgenerated("gen_random_uuid()")` },
          }),
      };
    },
  },
  {
    name: "new serial field",
    weight: 0.3,
    make(schema, random) {
      const models = schema.models.filter(
        ({ id, fields }) => !id.startsWith("Int") && !fields.some(({ value }) => value === "autoincrement()"),
      );
      if (models.length === 0) return undefined;
      const { name } = random.pick(models);
      const field = newField(modelIn(schema, name), random, "optional");
      return {
        least: "risky",
        edit: (after) =>
          modelIn(after, name).fields.push({
            ...field,
            ...{ type: "Int", native: "", optional: false, unique: true, value: "autoincrement()" },
          }),
      };
    },
  },
  {
    name: "type that loses",
    weight: 0.6,
    make(schema, random) {
      const found = findField(schema, random, ({ type }) => type === "Float" || type === "Decimal");
      if (found === undefined) return undefined;
      return {
        least: "dangerous",
        edit: (after) => Object.assign(fieldIn(after, found.model.name, found.field.name), { type: "Int", native: "" }),
      };
    },
  },
  {
    name: "model dropped",
    weight: 1.2,
    make(schema, random) {
      const linked = new Set(schema.models.flatMap(({ links }) => links.map(({ to }) => to)));
      const free = schema.models.filter(({ name }) => !linked.has(name));
      if (free.length === 0 || schema.models.length < 10) return undefined;
      const { name } = random.pick(free);
      return {
        least: "dangerous",
        edit: (after) => (after.models = after.models.filter((model) => model.name !== name)),
      };
    },
  },
  {
    name: "value of an enum removed",
    weight: 0.7,
    make(schema, random) {
      const used = (name: string) => schema.models.some(({ fields }) => fields.some(({ type }) => type === name));
      const long = schema.enums.filter(({ name, values }) => values.length > 2 && used(name));
      if (long.length === 0) return undefined;
      const { name } = random.pick(long);
      return { least: "dangerous", edit: (after) => enumIn(after, name).values.pop() };
    },
  },
  {
    name: "primary key changed",
    weight: 0.2,
    make(schema, random) {
      const linked = new Set(schema.models.flatMap(({ links }) => links.map(({ to }) => to)));
      const free = schema.models.filter(({ name, id }) => !linked.has(name) && id.startsWith("Int"));
      if (free.length === 0) return undefined;
      const { name } = random.pick(free);
      return {
        least: "dangerous",
        edit: (after) => (modelIn(after, name).id = "String @id @default(cuid())"),
      };
    },
  },
];

function dropField(model: Model, field: string): void {
  model.fields = model.fields.filter(({ name }) => name !== field);
}
