import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const reindex = defineRule({
  id: "reindex",
  title: "Indexes are built anew",
  tier: "risky",
  effects: ["scan", "lock"],
  reason:
    "REINDEX holds a SHARE lock on the table and an ACCESS EXCLUSIVE lock on each index while it is built: writes wait, and most reads too.",
  safer: "REINDEX … CONCURRENTLY (12+), alone in its migration.",
  versions: "all",
  source: "RISKS 26",
  boundary: "CONCURRENTLY, alone in its file, is safe.",
  example: `REINDEX TABLE "Order";`,
  on: ["reindex"],
  match({ name, what, concurrently }, context) {
    if (concurrently) return undefined;
    if (what === "TABLE" && context.isNew(context.knownTable(name))) return undefined;
    return { message: `REINDEX ${what} ${show(name)} blocks writes, and most reads, until the indexes are built.` };
  },
});
