import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const addColumnUnique = defineRule({
  id: "add-column-unique",
  title: "New column with UNIQUE or PRIMARY KEY",
  tier: "risky",
  effects: ["scan", "lock", "fails"],
  reason:
    "The index is built while an ACCESS EXCLUSIVE lock is held; with a default it fails as soon as there are two rows.",
  safer:
    "Add the column alone; CREATE UNIQUE INDEX CONCURRENTLY in a migration of its own; ADD CONSTRAINT … UNIQUE USING INDEX.",
  versions: "all",
  source: "RISKS 7",
  boundary: "The column and its unique index in two statements, as Prisma writes it, is judged as an index (†).",
  example: `ALTER TABLE "User" ADD COLUMN "handle" TEXT UNIQUE;`,
  on: ["addColumn"],
  match({ table, column, constraints, ifNotExists }, context) {
    if (ifNotExists && context.column(table, column.name) !== undefined) return undefined;
    if (!constraints.some(({ kind }) => kind === "unique" || kind === "primary")) return undefined;
    return {
      message: `Adding column "${column.name}" to ${show(table)} with its UNIQUE builds an index while nobody else can read or write.`,
      tier: context.unlessEmpty(table, "risky"),
    };
  },
});
