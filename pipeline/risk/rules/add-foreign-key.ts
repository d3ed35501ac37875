import { show, showColumns } from "../names.js";
import { defineRule } from "../rule.js";

export const addForeignKey = defineRule({
  id: "add-foreign-key",
  title: "New foreign key on a table with data",
  tier: "risky",
  effects: ["scan", "lock", "fails"],
  reason:
    "Every row is looked up in the other table while SHARE ROW EXCLUSIVE locks are held on both: nobody writes to either. It fails on an orphan.",
  safer:
    "ADD CONSTRAINT … FOREIGN KEY … NOT VALID; VALIDATE CONSTRAINT in the next migration, which lets others write.",
  versions: "all",
  source: "RISKS 14, 15; seed: Modificar relaciones",
  boundary:
    "With NOT VALID it is safe. On columns that the same migration adds and leaves empty no row can fail: by size (†), since they are still read.",
  example: `ALTER TABLE "Order" ADD CONSTRAINT "Order_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id");`,
  on: ["addConstraint"],
  match({ table, constraint }, context) {
    if (constraint.kind !== "foreign" || constraint.notValid) return undefined;
    const to = constraint.references === undefined ? "another table" : show(constraint.references);
    const message = `Adding a foreign key on ${showColumns(constraint.columns)} of ${show(table)} to ${to} checks every row while nobody can write to either table.`;
    if (context.areNewAndEmpty(table, constraint.columns)) {
      return { message, effects: ["scan", "lock"], ...context.bySize(table) };
    }
    return { message, tier: context.unlessEmpty(table, "risky") };
  },
});
