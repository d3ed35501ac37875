import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const addCheck = defineRule({
  id: "add-check",
  title: "New CHECK constraint",
  tier: "risky",
  effects: ["scan", "lock", "fails"],
  reason: "Every row is read under an ACCESS EXCLUSIVE lock, and it fails on a row that does not hold to it.",
  safer:
    "ADD CONSTRAINT … NOT VALID, which costs an instant; VALIDATE CONSTRAINT in the next migration, which blocks nobody.",
  versions: "all",
  source: "RISKS 13, 15",
  boundary: "With NOT VALID it is safe. Over columns that the same migration adds and leaves empty: by size (†).",
  example: `ALTER TABLE "Order" ADD CONSTRAINT "total_positive" CHECK ("total" >= 0);`,
  on: ["addConstraint"],
  match({ table, constraint }, context) {
    if (constraint.kind !== "check" || constraint.notValid) return undefined;
    const message = `Adding CHECK ${constraint.name === undefined ? "" : `"${constraint.name}" `}to ${show(table)} reads every row while nobody else can, and fails on one that does not hold.`;
    if (context.areNewAndEmpty(table, constraint.columns)) {
      return { message, effects: ["scan", "lock"], ...context.bySize(table) };
    }
    return { message, tier: context.unlessEmpty(table, "risky") };
  },
});
