import { show } from "../names.js";
import { defineRule } from "../rule.js";
import type { RuleContext } from "../ruleContext.js";
import type { Index, Table } from "../schemaState.js";

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
  boundary:
    "Safe where it is not missed: another index begins with the same columns (of a unique one: a unique one over the same), which costs an instant. CONCURRENTLY of an index that is not unique is safe; so is one that this migration made.",
  example: `DROP INDEX "User_email_key";`,
  on: ["drop"],
  match({ object, name, ifExists, concurrently }, context) {
    if (object !== "index") return undefined;
    const found = context.state.index(name);
    if (found === undefined && ifExists && context.state.certain) return undefined;
    if (found !== undefined && (context.isNew(found.index) || context.isNew(found.table))) return undefined;
    if (concurrently && found?.index.unique === false) return undefined;
    if (found !== undefined && isRedundant(found, context)) {
      return {
        message: `Index ${show(name)} is dropped from "${found.table.name}", where another one does what it did.`,
        tier: "safe",
        effects: [],
      };
    }
    const lost = found?.index.unique === true ? " It kept duplicates out." : "";
    return {
      message: `Index ${show(name)} is dropped${found === undefined ? "" : ` from "${found.table.name}"`}.${lost}`,
      ...(concurrently ? { effects: ["breaks"] } : {}),
    };
  },
});

/** Whether another index of the table, there already or made by this migration, serves the same queries and keeps out the same duplicates. */
function isRedundant({ table, index }: { table: Table; index: Index }, { state, file }: RuleContext): boolean {
  const { keys } = index;
  if (keys === undefined || !(index.plain || table.constraints.has(index.name))) return false;
  const serves = (other: readonly string[] | undefined, unique: boolean) =>
    other !== undefined &&
    keys.every((key, at) => other[at] === key) &&
    (!index.unique || (unique && other.length === keys.length));
  const goes = new Set(
    file.changes.flatMap((change) => (change.kind === "drop" && change.object === "index" ? [change.name.name] : [])),
  );
  const there = [...table.indexes.values()].some(
    (other) =>
      !goes.has(other.name) &&
      (other.plain || table.constraints.has(other.name)) &&
      isLasting(table, other.name, file) &&
      serves(other.keys, other.unique),
  );
  const made = file.changes.some(
    (change) =>
      change.kind === "createIndex" &&
      change.index.plain &&
      state.table(change.table) === table &&
      serves(change.index.keys, change.index.unique),
  );
  return there || made;
}

/** The constraint that an index belongs to is not dropped either, nor a column of the table. */
function isLasting(table: Table, name: string, { changes }: RuleContext["file"]): boolean {
  return !changes.some(
    (change) =>
      (change.kind === "dropConstraint" && change.constraint === name) ||
      (change.kind === "dropColumn" && change.table.name === table.name),
  );
}
