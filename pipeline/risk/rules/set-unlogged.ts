import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const setUnlogged = defineRule({
  id: "set-unlogged",
  title: "Table becomes UNLOGGED",
  tier: "dangerous",
  effects: ["rewrite", "lock", "loss"],
  reason:
    "The table is written anew under an ACCESS EXCLUSIVE lock; from then on a crash of the server empties it, and standbys have no rows of it.",
  safer: "Leave it logged; for data that may be lost use a table of its own.",
  versions: "9.5 and later",
  source: "RISKS 41",
  boundary: "SET LOGGED is another rule (rewrite-table).",
  example: `ALTER TABLE "Session" SET UNLOGGED;`,
  on: ["setUnlogged"],
  match({ table }, context) {
    if (context.knownTable(table)?.unlogged === true) return undefined;
    return { message: `${show(table)} becomes UNLOGGED: it is written anew, and a crash empties it.` };
  },
});
