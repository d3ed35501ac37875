import { show } from "../names.js";
import { judgeTypeChange } from "../typeChange.js";
import { defineRule } from "../rule.js";

export const enumValueRemoved = defineRule({
  id: "enum-value-removed",
  title: "Value of an enum is removed",
  tier: "dangerous",
  effects: ["rewrite", "lock", "fails", "breaks", "irreversible"],
  reason:
    "PostgreSQL cannot drop a value, so Prisma makes a second type and casts every column over: the tables are written anew under an ACCESS EXCLUSIVE lock, it fails on a row that holds the value, and the running application that writes it breaks.",
  safer:
    "Stop writing the value, convert the rows that hold it, keep it in the database for a release; or keep the old type and forbid the value with a CHECK NOT VALID.",
  versions: "all",
  source: "RISKS 40",
  boundary:
    "A swap that only adds values is judged as a change of type (risky): ALTER TYPE … ADD VALUE is the safe way for it.",
  example: `ALTER TABLE "User" ALTER COLUMN "role" TYPE "Role_new" USING ("role"::text::"Role_new");`,
  on: ["alterType"],
  match(change, context) {
    const column = context.column(change.table, change.column);
    const { enumSwap, why } = judgeTypeChange(context.state, change, column);
    if (enumSwap === undefined || enumSwap.removed?.length === 0) return undefined;
    const values =
      enumSwap.removed === undefined ? "A value" : enumSwap.removed.map((value) => `'${value}'`).join(", ");
    return {
      message: `${values} is removed from the enum of column "${change.column}" of ${show(change.table)}: the table is written anew; ${why}.`,
    };
  },
});
