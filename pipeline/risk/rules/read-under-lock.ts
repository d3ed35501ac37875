import { type Name, show } from "../names.js";
import { type Match, defineRule } from "../rule.js";
import type { RuleContext } from "../ruleContext.js";

export const readUnderLock = defineRule({
  id: "read-under-lock",
  title: "Rows are read while the migration keeps others from the table",
  tier: "risky",
  effects: ["scan", "lock"],
  reason:
    "A migration is one transaction, so the lock of an earlier statement is still held: that of ALTER TABLE, or of a foreign key that refers to the table, which keeps its writers waiting. What should take an instant then takes as long as the rows are read or copied.",
  safer: "Copy the rows in the next migration, or before the statement that locks the table.",
  versions: "all",
  source:
    "RISKS 1, 14, 36; measured on PostgreSQL 15 and 17: CREATE TABLE … REFERENCES holds SHARE ROW EXCLUSIVE on the other table",
  boundary:
    "Safe below the configured size of table (†), and where no earlier statement of the migration locks the table.",
  example: `CREATE TABLE "Profile" ("userId" INTEGER REFERENCES "User"("id"));\nINSERT INTO "Profile" SELECT "id" FROM "User";`,
  on: ["readRows", "addConstraint"],
  beyondTable: true,
  match(change, context) {
    if (change.kind === "readRows") {
      const known = context.knownTable(change.table);
      return known !== undefined && context.file.locked.has(known) ? held(context, change.table) : undefined;
    }
    // A new table that has rows by now: each is looked up in the other one, which is locked for it.
    const { references, kind, notValid } = change.constraint;
    const known = context.knownTable(change.table);
    if (kind !== "foreign" || notValid || references === undefined || known?.filled !== true) return undefined;
    if (!context.isNewTable(known) || context.isNewTable(context.knownTable(references))) return undefined;
    return held(context, references);
  },
});

function held(context: RuleContext, table: Name): Match {
  return {
    message: `Rows of ${show(table)} are read while this migration keeps others from writing to it, or reading it.`,
    ...context.bySize(table),
  };
}
