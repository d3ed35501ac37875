import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const addColumnGenerated = defineRule({
  id: "add-column-generated",
  title: "New column that is serial, identity or generated",
  tier: "risky",
  effects: ["rewrite", "lock"],
  reason:
    "Each row there is gets a value, so PostgreSQL writes the table anew under an ACCESS EXCLUSIVE lock: nobody reads or writes it meanwhile.",
  safer:
    "Add a plain nullable column; set its default to nextval() of a sequence for new rows; fill the old rows in batches. For a generated column: compute it in a view, or keep it with a trigger.",
  versions: "all; a VIRTUAL generated column (18) costs an instant",
  source: "RISKS 4; PostgreSQL manual, ALTER TABLE, Notes",
  boundary: "A generated column that is VIRTUAL is safe.",
  example: `ALTER TABLE "Order" ADD COLUMN "number" SERIAL NOT NULL;`,
  on: ["addColumn"],
  match({ table, column, ifNotExists }, context) {
    if (ifNotExists && context.column(table, column.name) !== undefined) return undefined;
    const kind = column.serial
      ? "serial"
      : column.identity
        ? "an identity"
        : column.generated === "stored"
          ? "generated and stored"
          : undefined;
    if (kind === undefined) return undefined;
    return {
      message: `Adding column "${column.name}" to ${show(table)}, which is ${kind}, writes the table anew.`,
      tier: context.unlessEmpty(table, "risky"),
    };
  },
});
