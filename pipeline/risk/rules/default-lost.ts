import type { Name } from "../names.js";
import { show } from "../names.js";
import type { Match } from "../rule.js";
import { defineRule } from "../rule.js";
import type { RuleContext } from "../ruleContext.js";

export const defaultLost = defineRule({
  id: "default-lost",
  title: "Column that filled itself no longer does",
  tier: "risky",
  effects: ["breaks"],
  reason:
    "The running application leaves the column to the database (a number of a sequence, a function, a generated value). From then on its rows have none, or are refused where the column is required; GENERATED ALWAYS refuses those that give one.",
  safer:
    "Release an application first that writes the column itself (or leaves it out, for GENERATED ALWAYS); take the default away in a later migration.",
  versions: "DROP EXPRESSION from 13 on",
  source: "RISKS 12; PostgreSQL manual, ALTER TABLE",
  boundary:
    "DROP DEFAULT of a constant, and of a column that may be null, is safe: Prisma's client writes the defaults of its schema itself. So is one that the same migration sets anew.",
  example: `ALTER TABLE "Order" ALTER COLUMN "id" DROP DEFAULT; -- was a serial`,
  on: ["dropDefault", "dropIdentity", "dropExpression", "identityAlways"],
  match(change, context): Match | undefined {
    const { table, column } = change;
    const known = context.column(table, column);
    const named = `Column "${column}" of ${show(table)}`;
    if (context.isNew(known)) return undefined;
    if (change.kind === "identityAlways") return { message: `${named} refuses values that an INSERT gives.` };
    if (change.kind === "dropExpression")
      return { message: `${named} is no longer generated: new rows have no value in it.` };
    if (isSetAnew(context, table, column)) return undefined;
    if (change.kind === "dropDefault" && (known?.notNull !== true || !known.computed)) return undefined;
    return { message: `${named} is required and no longer fills itself: an INSERT that leaves it out fails.` };
  },
});

function isSetAnew(context: RuleContext, table: Name, column: string): boolean {
  const key = context.state.key(table);
  return context.file.changes.some(
    (change) =>
      (change.kind === "setDefault" || change.kind === "addIdentity" || change.kind === "dropColumn") &&
      change.column === column &&
      context.state.key(change.table) === key,
  );
}
