import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const truncate = defineRule({
  id: "truncate",
  title: "Table is emptied",
  tier: "dangerous",
  effects: ["loss", "lock", "irreversible"],
  reason: "All rows are gone, with CASCADE those of every table that refers to it too.",
  safer: "Delete in batches what is really meant, with a WHERE, after a backup that is proved.",
  versions: "all",
  source: "RISKS 34",
  boundary:
    "Of a table that this migration made, or that is known to be empty, it is safe; with CASCADE only where no older table refers to it.",
  example: `TRUNCATE "Session" CASCADE;`,
  on: ["truncate"],
  beyondTable: true,
  match({ table, cascade }, context) {
    const known = context.knownTable(table);
    const reaches =
      cascade &&
      (known === undefined || context.state.referencing(known).some(({ table: other }) => !context.isNewTable(other)));
    if (context.isNewTable(known) && !reaches) return undefined;
    if (context.isEmpty(table) && !cascade) return undefined;
    return {
      message: `TRUNCATE takes every row of ${show(table)}${cascade ? " and of every table that refers to it" : ""}.`,
    };
  },
});
