import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const addPrimaryKey = defineRule({
  id: "add-primary-key",
  title: "New primary key",
  tier: "risky",
  effects: ["scan", "lock", "fails"],
  reason:
    "The index is built and nulls are looked for under an ACCESS EXCLUSIVE lock: nobody reads or writes. It fails on a null or a duplicate.",
  safer:
    "CREATE UNIQUE INDEX CONCURRENTLY in a migration of its own; make the columns NOT NULL behind a validated check; then ADD PRIMARY KEY USING INDEX.",
  versions: "all",
  source: "RISKS 21",
  boundary: "USING INDEX over columns that are NOT NULL is safe.",
  example: `ALTER TABLE "Log" ADD CONSTRAINT "Log_pkey" PRIMARY KEY ("id");`,
  on: ["addConstraint"],
  match({ table, constraint }, context) {
    if (constraint.kind !== "primary") return undefined;
    const known = context.knownTable(table);
    const index = constraint.usingIndex === undefined ? undefined : known?.indexes.get(constraint.usingIndex);
    const columns = index?.keys ?? constraint.columns;
    const nullable = columns.length === 0 || columns.some((name) => known?.columns.get(name)?.notNull !== true);
    if (constraint.usingIndex !== undefined && !nullable) return undefined;
    const how = constraint.usingIndex === undefined ? "builds its index" : "looks for nulls";
    return {
      message: `Adding a primary key to ${show(table)} ${how} while nobody else can read or write.`,
      tier: context.unlessEmpty(table, "risky"),
    };
  },
});
