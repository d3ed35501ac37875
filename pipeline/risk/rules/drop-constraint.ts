import type { Name } from "../names.js";
import type { RuleContext } from "../ruleContext.js";
import type { TableConstraint } from "../schemaState.js";
import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const dropConstraint = defineRule({
  id: "drop-constraint",
  title: "Constraint is dropped",
  tier: "risky",
  effects: ["lock", "breaks"],
  reason:
    "From then on nothing keeps the data as the application expects it. It takes an ACCESS EXCLUSIVE lock, for a foreign key on both tables.",
  safer:
    "Check that no code relies on it; drop it in a release of its own; where it is replaced, add the new one (NOT VALID, then VALIDATE) before.",
  versions: "all",
  source: "RISKS 25; seed: Modificar relaciones",
  boundary:
    "A check that only served SET NOT NULL may go once the column is NOT NULL; so may what this migration made.",
  example: `ALTER TABLE "Order" DROP CONSTRAINT "Order_userId_fkey";`,
  on: ["dropConstraint"],
  match({ table, constraint, ifExists }, context) {
    const known = context.knownTable(table);
    const found = known?.constraints.get(constraint);
    if (found === undefined && ifExists && context.state.certain && known?.complete === true) return undefined;
    if (context.isNew(found) || found?.kind === "primary") return undefined;
    if (found?.kind === "check" && impliedByNotNull(context, table, found)) return undefined;
    const what =
      found?.kind === "foreign" ? "Foreign key" : found?.kind === "unique" ? "Unique constraint" : "Constraint";
    return { message: `${what} "${constraint}" of ${show(table)} is dropped.` };
  },
});

/** CHECK (a IS NOT NULL) says nothing more once the column itself is NOT NULL. */
function impliedByNotNull(context: RuleContext, table: Name, { notNull, columns }: TableConstraint): boolean {
  return (
    notNull.length > 0 &&
    columns.length === notNull.length &&
    columns.every((name) => notNull.includes(name) && context.column(table, name)?.notNull === true)
  );
}
