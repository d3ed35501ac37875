import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const restartSequence = defineRule({
  id: "restart-sequence",
  title: "Sequence set anew or made narrower",
  tier: "risky",
  effects: ["fails"],
  reason:
    "It may give numbers that rows have already, or none any more: inserts of the running application then fail, from that moment on. What it gave before is not known afterwards, and rolling back does not undo setval.",
  safer:
    "Set it from the table itself, to the greatest number in use and never below the sequence's own: SELECT setval(…, greatest((SELECT max(id) FROM …), (SELECT last_value FROM …))).",
  versions: "all",
  source: "PostgreSQL documentation, Sequence Manipulation Functions, ALTER SEQUENCE",
  boundary:
    "The bounds of a bigint only make it wider, and are safe; so is setval() with a number that is read from the table.",
  example: `ALTER SEQUENCE "Order_id_seq" RESTART WITH 1;`,
  on: ["restartSequence", "addIdentity"],
  match(change, context) {
    if (change.kind === "addIdentity") {
      const { table, column } = change;
      return {
        message: `Column "${column}" of ${show(table)} becomes an identity, whose numbers start at 1 whatever the rows hold.`,
        tier: context.unlessEmpty(table, "risky"),
      };
    }
    const { sequence, how } = change;
    return {
      message: `Sequence ${show(sequence)} is altered (${how}): it may give numbers that are taken, or none any more.`,
    };
  },
});
