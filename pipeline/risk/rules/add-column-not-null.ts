import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const addColumnNotNull = defineRule({
  id: "add-column-not-null",
  title: "New column that is required, without a default",
  tier: "risky",
  effects: ["fails"],
  reason:
    "The rows there are have no value for it, so the statement fails if there is a row. Until then it is safe only by chance.",
  safer:
    "Give it a default; or add it nullable, fill it, add CHECK (… IS NOT NULL) NOT VALID, validate that in the next migration, then SET NOT NULL.",
  versions: "all",
  source: "RISKS 5; seed: Agregar constraints NOT NULL sin valor por defecto",
  boundary: "With a default it is safe; on a table known to be empty too.",
  example: `ALTER TABLE "User" ADD COLUMN "phone" TEXT NOT NULL;`,
  on: ["addColumn"],
  match({ table, column, ifNotExists }, context) {
    if (ifNotExists && context.column(table, column.name) !== undefined) return undefined;
    const filled =
      column.defaultValue !== undefined || column.serial || column.identity || column.generated !== undefined;
    if (!column.notNull || filled) return undefined;
    return {
      message: `Column "${column.name}" of ${show(table)} is required and has no default: it fails if the table has a row.`,
      tier: context.unlessEmpty(table, "risky"),
    };
  },
});
