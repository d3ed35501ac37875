import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const columnUnderView = defineRule({
  id: "column-under-view",
  title: "Column that a view reads",
  tier: "risky",
  effects: ["fails"],
  reason:
    "PostgreSQL refuses to change the type of a column, or to drop it without CASCADE, while a view reads it: the migration fails.",
  safer: "In the same migration: drop the view, change the column, create the view again with its grants.",
  versions: "all",
  source: "RISKS 31",
  boundary:
    "Where no view of the history reads the column it is not found; a view that the history does not show is seen only by the rehearsal.",
  example: `CREATE VIEW "emails" AS SELECT "email" FROM "User"; -- an earlier migration\nALTER TABLE "User" ALTER COLUMN "email" TYPE VARCHAR(320);`,
  on: ["alterType", "dropColumn"],
  match(change, context) {
    const known = context.knownTable(change.table);
    if (known === undefined || (change.kind === "dropColumn" && change.cascade)) return undefined;
    const views = context.state.viewsOn(known, change.column);
    // A type that stays the same is refused too, so any change counts.
    if (views.length === 0) return undefined;
    const names = views.map((view) => show(view)).join(", ");
    return {
      message: `Column "${change.column}" of ${show(change.table)} is read by ${names}: PostgreSQL refuses to change it under a view.`,
    };
  },
});
