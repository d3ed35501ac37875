import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const lockTable = defineRule({
  id: "lock-table",
  title: "LOCK TABLE",
  tier: "risky",
  effects: ["lock"],
  reason: "Others wait until the migration ends, and it waits for them first.",
  safer: "Leave it out: each statement takes the lock that it needs.",
  versions: "all",
  source: "RISKS, locks",
  boundary:
    "Of a table that the same migration makes it is safe; so are the modes up to SHARE UPDATE EXCLUSIVE, beside which others read and write.",
  example: `LOCK TABLE "Order" IN ACCESS EXCLUSIVE MODE;`,
  on: ["lockTable"],
  match({ table, mode }) {
    // SHARE UPDATE EXCLUSIVE and what is weaker keep nobody from reading or writing.
    if (mode <= 4) return undefined;
    return { message: `${show(table)} is locked until the migration ends.` };
  },
});
