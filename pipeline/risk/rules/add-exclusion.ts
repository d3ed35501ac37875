import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const addExclusion = defineRule({
  id: "add-exclusion",
  title: "New EXCLUDE constraint",
  tier: "risky",
  effects: ["scan", "lock", "fails"],
  reason:
    "Its index is built and every row checked under an ACCESS EXCLUSIVE lock; there is neither NOT VALID nor CONCURRENTLY for it.",
  safer: "Do it in a maintenance window; or keep it for a new table into which the rows are copied.",
  versions: "all",
  source: "RISKS 23",
  boundary: "On a new or empty table it is safe.",
  example: `ALTER TABLE "Booking" ADD CONSTRAINT "no_overlap" EXCLUDE USING gist ("during" WITH &&);`,
  on: ["addConstraint"],
  match({ table, constraint }, context) {
    if (constraint.kind !== "exclude") return undefined;
    return {
      message: `Adding an EXCLUDE constraint to ${show(table)} checks every row while nobody else can read or write.`,
      tier: context.unlessEmpty(table, "risky"),
    };
  },
});
