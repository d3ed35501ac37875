import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const changeCollation = defineRule({
  id: "change-collation",
  title: "Collation of an indexed column is changed",
  tier: "risky",
  effects: ["scan", "lock"],
  reason:
    "Every index over the column is built anew under an ACCESS EXCLUSIVE lock, and results come in another order.",
  safer: "Build an index with the new collation CONCURRENTLY beside, or add a column with it and switch over.",
  versions: "all",
  source: "RISKS 30",
  boundary: "On a column without an index it costs an instant.",
  example: `ALTER TABLE "User" ALTER COLUMN "name" TYPE TEXT COLLATE "C";`,
  on: ["alterType"],
  match({ table, column, collation }, context) {
    if (collation === undefined) return undefined;
    const known = context.knownTable(table);
    const indexes = [...(known?.indexes.values() ?? [])].filter(({ columns }) => columns.includes(column));
    if (known?.complete === true && indexes.length === 0) return undefined;
    const which =
      indexes.length === 0
        ? "its indexes are"
        : `${indexes.map(({ name }) => `"${name}"`).join(", ")} ${indexes.length === 1 ? "is" : "are"}`;
    return {
      message: `Column "${column}" of ${show(table)} gets collation "${collation}": ${which} built anew while nobody else can read or write.`,
      tier: context.unlessEmpty(table, "risky"),
    };
  },
});
