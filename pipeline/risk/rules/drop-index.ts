import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const dropIndex = defineRule({
  id: "drop-index",
  title: "Index is dropped",
  tier: "risky",
  effects: ["lock", "breaks"],
  reason:
    "It waits for an ACCESS EXCLUSIVE lock on the table, and everybody waits behind it; queries that used the index become slow, and a unique one no longer keeps duplicates out.",
  safer: "DROP INDEX CONCURRENTLY in a migration of its own, after pg_stat_user_indexes has shown that nobody uses it.",
  versions: "all",
  source: "RISKS 24",
  boundary: "CONCURRENTLY of an index that is not unique is safe; so is one that this migration made.",
  example: `DROP INDEX "User_email_key";`,
  on: ["drop"],
  match({ object, name, ifExists, concurrently }, context) {
    if (object !== "index") return undefined;
    const found = context.state.index(name);
    if (found === undefined && ifExists && context.state.certain) return undefined;
    if (found !== undefined && (context.isNew(found.index) || context.isNew(found.table))) return undefined;
    if (concurrently && found?.index.unique === false) return undefined;
    const lost = found?.index.unique === true ? " It kept duplicates out." : "";
    return {
      message: `Index ${show(name)} is dropped${found === undefined ? "" : ` from "${found.table.name}"`}.${lost}`,
      ...(concurrently ? { effects: ["breaks"] } : {}),
    };
  },
});
