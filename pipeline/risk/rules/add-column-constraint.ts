import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const addColumnConstraint = defineRule({
  id: "add-column-constraint",
  title: "New column with a CHECK, or with REFERENCES and a default",
  tier: "risky",
  effects: ["scan", "lock"],
  reason: "Every row is checked while an ACCESS EXCLUSIVE lock is held, that of ADD COLUMN.",
  safer: "Add the column alone; add the constraint as NOT VALID; VALIDATE it in the next migration.",
  versions: "all",
  source: "RISKS 6",
  boundary: "REFERENCES without a default is safe: all values are null, which PostgreSQL knows.",
  example: `ALTER TABLE "Order" ADD COLUMN "discount" INTEGER DEFAULT 0 CHECK ("discount" >= 0);`,
  on: ["addColumn"],
  match({ table, column, constraints, ifNotExists }, context) {
    if (ifNotExists && context.column(table, column.name) !== undefined) return undefined;
    const filled = column.defaultValue !== undefined || column.serial || column.identity;
    const checked = constraints.find(
      ({ kind, notValid }) => !notValid && (kind === "check" || (kind === "foreign" && filled)),
    );
    if (checked === undefined) return undefined;
    const what = checked.kind === "check" ? "CHECK" : "REFERENCES and default";
    return {
      message: `Adding column "${column.name}" to ${show(table)} with its ${what} reads every row while nobody else can.`,
      tier: context.unlessEmpty(table, "risky"),
    };
  },
});
