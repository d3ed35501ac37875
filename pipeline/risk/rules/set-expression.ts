import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const setExpression = defineRule({
  id: "set-expression",
  title: "Expression of a generated column is changed",
  tier: "risky",
  effects: ["rewrite", "lock"],
  reason: "Every row gets a new value: the table is written anew under an ACCESS EXCLUSIVE lock.",
  safer: "Add a second generated column beside in a maintenance window, and switch the application over.",
  versions: "17 and later",
  source: "RISKS 4; PostgreSQL manual, ALTER TABLE",
  boundary: "Of a VIRTUAL column (18) nothing is written.",
  example: `ALTER TABLE "Order" ALTER COLUMN "gross" SET EXPRESSION AS ("net" * 2);`,
  on: ["setExpression"],
  match({ table, column }, context) {
    const virtual = context.column(table, column)?.generated === "virtual";
    if (virtual) return undefined;
    return {
      message: `A new expression of column "${column}" writes ${show(table)} anew.`,
      tier: context.unlessEmpty(table, "risky"),
    };
  },
});
