import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const enumValueUsed = defineRule({
  id: "enum-value-used",
  title: "New value of an enum is used in the same migration",
  tier: "risky",
  effects: ["fails"],
  reason:
    'A value that ALTER TYPE … ADD VALUE adds may be used only after the transaction has committed ("unsafe use of new value"); a migration is one transaction.',
  safer: "Add the value in one migration and use it in the next.",
  versions: "12 and later; before, ADD VALUE cannot run in a transaction at all",
  source: "RISKS 38; PostgreSQL manual, ALTER TYPE, Notes",
  boundary: "Added and not used it is safe; so is a value of an enum that the same migration creates.",
  example: `ALTER TYPE "Role" ADD VALUE 'OWNER';\nALTER TABLE "User" ALTER COLUMN "role" SET DEFAULT 'OWNER';`,
  on: ["addEnumValue"],
  match({ type, value }, context) {
    if (context.isNew(context.state.type(type)) || context.file.noTransaction || !context.file.texts.has(value))
      return undefined;
    return { message: `Value '${value}' of enum ${show(type)} is used in the migration that adds it.` };
  },
});
