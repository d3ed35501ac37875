import { isOutOfSight, volatileFunction } from "../defaultValue.js";
import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const addColumnVolatileDefault = defineRule({
  id: "add-column-volatile-default",
  title: "New column with a default that is computed for each row",
  tier: "risky",
  effects: ["rewrite", "lock"],
  reason:
    "The default is computed for every row there is, so PostgreSQL writes the table anew under an ACCESS EXCLUSIVE lock: nobody reads or writes it meanwhile. A constant or now() is stored once and costs an instant.",
  safer:
    "Add the column without the default, then set the default (ALTER COLUMN … SET DEFAULT, for new rows), then fill the old rows in batches.",
  versions: "all; before 11 every default rewrites",
  source: "RISKS 3; PostgreSQL manual, ALTER TABLE, Notes",
  boundary:
    "Safe below the configured size of table (†), and with a constant or now(). A function that is not PostgreSQL's own is risky whatever the size.",
  example: `ALTER TABLE "User" ADD COLUMN "token" UUID NOT NULL DEFAULT gen_random_uuid();`,
  on: ["addColumn"],
  match({ table, column, ifNotExists }, context) {
    if (column.defaultValue === undefined) return undefined;
    if (ifNotExists && context.column(table, column.name) !== undefined) return undefined;
    const name = volatileFunction(context.state, column.defaultValue);
    if (name === undefined && context.postgres >= 11) return undefined;
    const why = name === undefined ? "before PostgreSQL 11 any default does so" : `${name}() is computed for each row`;
    const message = `Adding column "${column.name}" to ${show(table)} writes the table anew: ${why}.`;
    if (name === undefined || !isOutOfSight(name)) return { message, ...context.bySize(table) };
    return {
      message: `${message} It cannot be seen what else that function does.`,
      tier: context.unlessEmpty(table, "risky"),
    };
  },
});
