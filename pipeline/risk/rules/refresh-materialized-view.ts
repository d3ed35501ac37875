import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const refreshMaterializedView = defineRule({
  id: "refresh-materialized-view",
  title: "Materialized view is refreshed",
  tier: "risky",
  effects: ["lock"],
  reason: "It is computed anew under an ACCESS EXCLUSIVE lock: nobody reads it meanwhile.",
  safer: "REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index on it; outside the migration.",
  versions: "all",
  source: "RISKS 45",
  boundary: "CONCURRENTLY is safe; so is one that the same migration makes.",
  example: `REFRESH MATERIALIZED VIEW "sales";`,
  on: ["refreshView"],
  match({ view, concurrently }, context) {
    if (concurrently || context.isNew(context.state.view(view))) return undefined;
    return { message: `${show(view)} is computed anew while nobody can read it.` };
  },
});
