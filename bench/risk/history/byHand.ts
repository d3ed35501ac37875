import type { Model } from "./model.js";
import { type StepKind, fieldIn, fieldNames, findField, isFree, modelIn, unused } from "./parts.js";
import { fieldWords } from "./words.js";

/** What people write themselves, after Prisma's draft or without one. */
export const byHandSteps: readonly StepKind[] = [
  {
    name: "index concurrently",
    weight: 4,
    make(schema, random) {
      const found = findField(
        schema,
        random,
        (field, model) => isFree(field, model) && field.type !== "Json" && !field.list,
      );
      if (found === undefined) return undefined;
      const { model, field } = found;
      return {
        least: "safe",
        byHand: true,
        edit: (after) => modelIn(after, model.name).indexes.push([field.name]),
        sql: `CREATE INDEX CONCURRENTLY IF NOT EXISTS "${model.name}_${field.name}_idx" ON "${model.name}"("${field.name}");`,
      };
    },
  },
  {
    name: "backfill",
    weight: 2,
    make(schema, random) {
      const found = findField(schema, random, ({ type, optional }) => type === "String" && optional);
      if (found === undefined) return undefined;
      const { model, field } = found;
      return { least: "risky", sql: `UPDATE "${model.name}" SET "${field.name}" = 'x' WHERE "${field.name}" IS NULL;` };
    },
  },
  {
    name: "rows of reference data",
    weight: 1.5,
    make(schema, random) {
      const suits = ({ fields, links }: Model) =>
        links.length === 0 && fields.every((f) => f.optional || f.value !== "" || f.list);
      const models = schema.models.filter((model) => suits(model) && model.id.startsWith("String"));
      if (models.length === 0) return undefined;
      const { name } = random.pick(models);
      return { least: "safe", sql: `INSERT INTO "${name}" ("id") VALUES ('seed') ON CONFLICT DO NOTHING;` };
    },
  },
  {
    name: "column renamed",
    weight: 0.7,
    make(schema, random) {
      const found = findField(schema, random, isFree);
      if (found === undefined) return undefined;
      const { model, field } = found;
      const to = unused(fieldWords, fieldNames(model), random);
      return {
        least: "risky",
        byHand: true,
        edit: (after) => (fieldIn(after, model.name, field.name).name = to),
        sql: `ALTER TABLE "${model.name}" RENAME COLUMN "${field.name}" TO "${to}";`,
      };
    },
  },
  {
    name: "check, validated at once",
    weight: 0.4,
    make(schema, random) {
      const found = findField(schema, random, ({ type }) => type === "Int");
      if (found === undefined) return undefined;
      const { model, field } = found;
      return { least: "risky", sql: `ALTER TABLE "${model.name}" ADD CHECK ("${field.name}" >= 0);` };
    },
  },
  {
    name: "check, not valid",
    weight: 0.5,
    make(schema, random) {
      const found = findField(schema, random, ({ type }) => type === "Int");
      if (found === undefined) return undefined;
      const { model, field } = found;
      return { least: "safe", sql: `ALTER TABLE "${model.name}" ADD CHECK ("${field.name}" < 1000000) NOT VALID;` };
    },
  },
  {
    name: "trigger",
    weight: 0.3,
    make(schema, random) {
      const { name } = random.pick(schema.models);
      const id = Math.floor(random.next() * 1e6);
      return {
        least: "risky",
        sql: `CREATE FUNCTION "touch_${id}"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER "touch_${id}" BEFORE UPDATE ON "${name}" FOR EACH ROW EXECUTE FUNCTION "touch_${id}"();`,
      };
    },
  },
  {
    name: "DO block",
    weight: 0.5,
    make(schema, random) {
      const { name } = random.pick(schema.models);
      return {
        least: "dangerous",
        sql: `DO $$ BEGIN IF EXISTS (SELECT FROM "${name}") THEN RAISE NOTICE 'there are rows'; END IF; END $$;`,
      };
    },
  },
  {
    name: "UPDATE of every row",
    weight: 0.4,
    make(schema, random) {
      const found = findField(schema, random, ({ type, optional }) => type === "String" && optional);
      if (found === undefined) return undefined;
      const { model, field } = found;
      return { least: "dangerous", sql: `UPDATE "${model.name}" SET "${field.name}" = lower("${field.name}");` };
    },
  },
  {
    name: "TRUNCATE",
    weight: 0.1,
    make(schema, random) {
      const { name } = random.pick(schema.models);
      return { least: "dangerous", sql: `TRUNCATE TABLE "${name}" CASCADE;` };
    },
  },
  {
    name: "rewrite by hand",
    weight: 0.3,
    make(schema, random) {
      const found = findField(
        schema,
        random,
        ({ type, native, list, value, optional }) =>
          type === "String" && native === "" && !list && value === "" && optional,
      );
      if (found === undefined) return undefined;
      const { model, field } = found;
      return {
        least: "dangerous",
        byHand: true,
        edit: (after) => (fieldIn(after, model.name, field.name).type = "Json"),
        sql: `ALTER TABLE "${model.name}" ALTER COLUMN "${field.name}" TYPE JSONB USING jsonb_build_object('v', "${field.name}");`,
      };
    },
  },
];
