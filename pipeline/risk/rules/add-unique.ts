import { isThere } from "../indexThere.js";
import type { Name } from "../names.js";
import type { Match } from "../rule.js";
import type { RuleContext } from "../ruleContext.js";
import { show, showColumns } from "../names.js";
import { defineRule } from "../rule.js";

export const addUnique = defineRule({
  id: "add-unique",
  title: "Values have to be unique",
  tier: "risky",
  effects: ["scan", "lock", "fails"],
  reason:
    "The index is built while writes wait (UNIQUE INDEX: SHARE) or everybody does (ADD UNIQUE: ACCESS EXCLUSIVE), and it fails on two rows with the same value.",
  safer: "CREATE UNIQUE INDEX CONCURRENTLY in a migration of its own, then ADD CONSTRAINT … UNIQUE USING INDEX.",
  versions: "all",
  source: "RISKS 19, 20; seed: Agregar constraints únicos",
  boundary: "Safe below the configured size of table (†), and USING INDEX.",
  example: `CREATE UNIQUE INDEX "User_email_key" ON "User"("email");`,
  on: ["createIndex", "addConstraint"],
  match(change, context) {
    const { table } = change;
    if (change.kind === "createIndex") {
      const { index, concurrently, ifNotExists } = change;
      if (!index.unique || isThere(context, table, index.name, ifNotExists)) return undefined;
      if (concurrently) return undefined;
      return unique(context, table, index.columns);
    }
    const { constraint } = change;
    if (constraint.kind !== "unique" || constraint.usingIndex !== undefined) return undefined;
    return unique(context, table, constraint.columns);
  },
});

function unique(context: RuleContext, table: Name, columns: readonly string[]): Match {
  const { tier, unknowns } = context.bySize(table);
  const message = `A unique index over ${showColumns(columns)} of ${show(table)} is built while writes wait, and fails on duplicates.`;
  const empty = context.isEmpty(table) || context.areNewAndEmpty(table, columns);
  const duplicates = empty ? [] : [`whether ${showColumns(columns)} of ${show(table)} holds duplicates`];
  return { message, tier, unknowns: [...unknowns, ...duplicates] };
}
