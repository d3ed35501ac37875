import { isThere } from "../indexThere.js";
import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const createIndex = defineRule({
  id: "create-index",
  title: "Index built while nobody can write",
  tier: "risky",
  effects: ["scan", "lock"],
  reason: "CREATE INDEX holds a SHARE lock until the index is built: reads go on, every write to the table waits.",
  safer: "CREATE INDEX CONCURRENTLY, as the only statement of a migration of its own.",
  versions: "all",
  source: "RISKS 17; seed: Agregar índices",
  boundary: "Safe below the configured size of table (†).",
  example: `CREATE INDEX "Order_userId_idx" ON "Order"("userId");`,
  on: ["createIndex"],
  match({ table, index, concurrently, ifNotExists }, context) {
    if (concurrently || index.unique || isThere(context, table, index.name, ifNotExists)) return undefined;
    return {
      message: `Building index ${index.name === undefined ? "" : `"${index.name}" `}on ${show(table)} blocks every write to it until it is done.`,
      ...context.bySize(table),
    };
  },
});
