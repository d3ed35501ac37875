import { showType } from "../columnType.js";
import { show } from "../names.js";
import { judgeTypeChange } from "../typeChange.js";
import { defineRule } from "../rule.js";

export const changeTypeLoses = defineRule({
  id: "change-type-loses",
  title: "Type of a column is changed by a cast that loses",
  tier: "dangerous",
  effects: ["rewrite", "lock", "loss", "breaks", "irreversible"],
  reason:
    "The cast succeeds and changes values in silence: decimals are rounded, times cut to days, texts cut short. Nothing tells which rows, and SQL cannot bring them back. The table is written anew under an ACCESS EXCLUSIVE lock.",
  safer:
    "Count the rows that would change first (SELECT count(*) … WHERE old <> new::old). Add a column of the new type beside and fill it; keep the old one until the new one is proved.",
  versions: "all",
  source: "RISKS 29",
  boundary: "A cast that keeps every value, or fails on one that it cannot keep, is risky (change-type).",
  example: `ALTER TABLE "Order" ALTER COLUMN "total" SET DATA TYPE DECIMAL(10,0); -- was DECIMAL(10,2)`,
  on: ["alterType"],
  match(change, context) {
    const column = context.column(change.table, change.column);
    const judged = judgeTypeChange(context.state, change, column);
    if (judged.outcome !== "loses" || context.isNew(column)) return undefined;
    const from = column?.type === undefined ? "its type" : showType(column.type);
    return {
      message: `Changing column "${change.column}" of ${show(change.table)} from ${from} to ${showType(change.type)} loses: ${judged.why}.`,
      tier: context.unlessEmpty(change.table, "dangerous") === "safe" ? "risky" : "dangerous",
      effects: judged.rewrites
        ? ["rewrite", "lock", "loss", "breaks", "irreversible"]
        : ["loss", "breaks", "irreversible"],
    };
  },
});
