import { showType } from "../columnType.js";
import { show } from "../names.js";
import type { RuleContext } from "../ruleContext.js";
import { judgeTypeChange } from "../typeChange.js";
import type { Effect } from "../types.js";
import { defineRule } from "../rule.js";

export const changeType = defineRule({
  id: "change-type",
  title: "Type of a column is changed",
  tier: "risky",
  effects: ["rewrite", "lock", "fails", "breaks"],
  reason:
    "PostgreSQL writes the table and its indexes anew under an ACCESS EXCLUSIVE lock: nobody reads or writes it meanwhile. The running application still expects the old type, and a value that does not fit makes it fail.",
  safer:
    "Add a column of the new type beside, keep it in step with a trigger, fill it in batches, switch the application over, drop the old one in a later release.",
  versions: "all",
  source:
    "RISKS 27, 28; seed: Modificar tipos de datos compatibles, incompatibles; PostgreSQL source, ATColumnChangeRequiresRewrite",
  boundary:
    "Safe where nothing is rewritten and no value changes: a longer varchar or none at all, text, a numeric with more digits and the same decimals, timestamp to timestamptz where the time zone is known to be UTC. A cast that loses is dangerous (change-type-loses).",
  example: `ALTER TABLE "Order" ALTER COLUMN "id" SET DATA TYPE BIGINT;`,
  on: ["alterType"],
  match(change, context) {
    const { table, type } = change;
    const column = context.column(table, change.column);
    const judged = judgeTypeChange(context.state, change, column);
    // A value that is gone from an enum is another rule's, and so is a cast that loses.
    if (judged.enumSwap !== undefined && judged.enumSwap.removed?.length !== 0) return undefined;
    if (judged.outcome === "same" && !judged.rewrites) return undefined;
    const fresh = context.isNew(column);
    if (judged.outcome === "loses" && !fresh) return undefined;
    const from = column?.type === undefined ? "a type that the history does not tell" : showType(column.type);
    const why = judged.why === "" ? "" : `; ${judged.why}`;
    const rewrites = judged.rewrites ? " writes the table anew" : " keeps the table as it is";
    const effects: readonly Effect[] = [
      ...(judged.rewrites ? (["rewrite", "lock"] as const) : (["scan", "lock"] as const)),
      ...(judged.outcome === "may fail" || judged.outcome === "unknown" ? (["fails"] as const) : []),
      "breaks",
    ];
    const message = `Changing column "${change.column}" of ${show(table)} from ${from} to ${showType(type)}${rewrites}${why}.`;
    const unknowns =
      judged.outcome === "unknown"
        ? [`the type that column "${change.column}" of ${show(table)} has now; a cast that loses would be dangerous`]
        : [];
    if (fresh) return { message, effects: judged.rewrites ? ["rewrite", "lock"] : [], ...context.bySize(table) };
    return { message, effects, unknowns: [...unknowns, ...zoneUnknown(context, column?.type?.name, type.name)] };
  },
});

function zoneUnknown(context: RuleContext, from: string | undefined, to: string): string[] {
  const zones = ["timestamp", "timestamptz"];
  if (context.state.timeZone !== undefined || from === undefined || !zones.includes(from) || !zones.includes(to))
    return [];
  return from === to
    ? []
    : ["the session's time zone: under UTC, and with six decimals of a second, nothing is rewritten"];
}
