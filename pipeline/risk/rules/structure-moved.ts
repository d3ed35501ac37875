import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const structureMoved = defineRule({
  id: "structure-moved",
  title: "Columns move to another table",
  tier: "dangerous",
  effects: ["loss", "breaks", "irreversible"],
  reason:
    "Columns are dropped from one table and made in a new one of the same migration: the values do not move by themselves, and the running application looks for them where they were.",
  safer:
    "Make the new table, copy (INSERT … SELECT) and compare in one release; switch the application over; drop the old columns in a later one.",
  versions: "all",
  source: "seed: Cambios estructurales mayores",
  boundary: "At least two columns, or one and a copy of rows; a single dropped column is risky (drop-column).",
  example: `CREATE TABLE "Address" ("id" SERIAL PRIMARY KEY, "street" TEXT, "city" TEXT);\nALTER TABLE "User" DROP COLUMN "street", DROP COLUMN "city";`,
  on: ["dropColumn"],
  match({ table, column }, context) {
    const { changes } = context.file;
    const key = context.state.key(table);
    if (context.isNew(context.column(table, column))) return undefined;
    const dropped = changes.flatMap((change) =>
      change.kind === "dropColumn" && context.state.key(change.table) === key ? [change.column] : [],
    );
    const target = changes.find((change) => {
      if (change.kind !== "createTable") return false;
      const moved = dropped.filter((name) => !common.has(name) && change.columns.some((made) => made.name === name));
      return moved.length >= 2 && moved[0] === column;
    });
    if (target?.kind !== "createTable") return undefined;
    return { message: `Columns of ${show(table)} are dropped and made again in the new table ${show(target.table)}.` };
  },
});

/** Every table has them. */
const common: ReadonlySet<string> = new Set([
  "id",
  "createdAt",
  "updatedAt",
  "created_at",
  "updated_at",
  "deletedAt",
  "deleted_at",
]);
