import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const validateConstraint = defineRule({
  id: "validate-constraint",
  title: "Constraint validated in the migration that adds it",
  tier: "risky",
  effects: ["scan", "lock", "fails"],
  reason:
    "The migration is one transaction, so the strong lock of ADD CONSTRAINT is held while every row is read: NOT VALID has won nothing.",
  safer: "Put VALIDATE CONSTRAINT into the next migration.",
  versions: "all",
  source: "RISKS 16",
  boundary: "In a later migration than its ADD it is safe: SHARE UPDATE EXCLUSIVE lets others read and write.",
  example: `ALTER TABLE "Order" ADD CONSTRAINT "c" CHECK ("total" >= 0) NOT VALID;\nALTER TABLE "Order" VALIDATE CONSTRAINT "c";`,
  on: ["validateConstraint"],
  match({ table, constraint }, context) {
    const known = context.knownTable(table)?.constraints.get(constraint);
    if (!context.isNew(known) || context.file.noTransaction) return undefined;
    return {
      message: `Constraint "${constraint}" of ${show(table)} is validated in the transaction that adds it, under the lock of ADD CONSTRAINT.`,
      tier: context.unlessEmpty(table, "risky"),
    };
  },
});
