import { show } from "../names.js";
import { defineRule } from "../rule.js";
import type { RuleContext } from "../ruleContext.js";

export const lockRows = defineRule({
  id: "lock-rows",
  title: "Rows are locked, or the migration waits",
  tier: "risky",
  effects: ["lock"],
  reason:
    "SELECT … FOR UPDATE (SHARE, and their kind) locks every row that it finds until the migration ends: who wants to change one waits. A function that sleeps or waits holds all that the migration has locked meanwhile, and a lock that is the session's own stays after it. Without a lock timeout it waits for others however long, and everybody behind it.",
  safer:
    "Leave it out: a statement that changes rows locks them itself. What has to wait belongs before or after the migration.",
  versions: "all",
  source: "RISKS 36; PostgreSQL manual, Explicit Locking",
  boundary:
    "On a table that the same migration makes, or that is known to be empty, it is safe; so is pg_advisory_xact_lock().",
  example: `SELECT "id" FROM "Order" FOR UPDATE;`,
  on: ["lockRows", "waits"],
  match(change, context) {
    if (change.kind === "waits" && change.how.startsWith("SET") && !touchesOld(context)) return undefined;
    if (change.kind === "waits")
      return { message: `${change.how} holds what the migration has locked for as long as it takes.` };
    const { table } = change;
    return {
      message: `Rows of ${show(table)} are locked until the migration ends.`,
      tier: context.unlessEmpty(table, "risky"),
    };
  },
});

/** Something in the file is about a table that the file does not make. */
function touchesOld({ file }: RuleContext): boolean {
  const made = new Set(file.changes.flatMap((change) => (change.kind === "createTable" ? [change.table.name] : [])));
  return file.changes.some((change) => "table" in change && change.table !== undefined && !made.has(change.table.name));
}
