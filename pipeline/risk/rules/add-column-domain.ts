import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const addColumnDomain = defineRule({
  id: "add-column-domain",
  title: "New column of a domain with a constraint",
  tier: "risky",
  effects: ["rewrite", "lock", "fails"],
  reason:
    "The domain's constraint is checked for every row, and PostgreSQL writes the table anew for it under an ACCESS EXCLUSIVE lock, even where all values are null.",
  safer: "Add the column with the domain's base type and a CHECK NOT VALID, validated in the next migration.",
  versions: "11 and later",
  source: "RISKS 8",
  boundary: "A domain without a constraint is safe.",
  example: `CREATE DOMAIN "email" AS text CHECK (VALUE LIKE '%@%'); -- an earlier migration\nALTER TABLE "User" ADD COLUMN "contact" "email";`,
  on: ["addColumn"],
  match({ table, column, ifNotExists }, context) {
    if (ifNotExists && context.column(table, column.name) !== undefined) return undefined;
    const { type } = column;
    if (type === undefined) return undefined;
    const domain = context.state.type(type);
    if (domain?.kind !== "domain" || !domain.constrained) return undefined;
    return {
      message: `Adding column "${column.name}" to ${show(table)} of domain "${type.name}", which has a constraint, writes the table anew.`,
      tier: context.unlessEmpty(table, "risky"),
    };
  },
});
