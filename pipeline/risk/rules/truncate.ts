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
  boundary: "Of a table that this migration made, or that is known to be empty, it is safe.",
  example: `TRUNCATE "Session" CASCADE;`,
  on: ["truncate"],
  match({ table, cascade }, context) {
    if (context.isEmpty(table) && !cascade) return undefined;
    return {
      message: `TRUNCATE takes every row of ${show(table)}${cascade ? " and of every table that refers to it" : ""}.`,
    };
  },
});
