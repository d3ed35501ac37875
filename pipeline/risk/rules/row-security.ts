import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const rowSecurity = defineRule({
  id: "row-security",
  title: "Who may see or change what is changed",
  tier: "risky",
  effects: ["lock", "breaks"],
  reason:
    "Row security, policies and REVOKE change what the running application sees, often to nothing, and take an ACCESS EXCLUSIVE lock for an instant; REPLICA IDENTITY changes what subscribers are sent. With another owner, whoever owned the table has no more rights on it than were granted.",
  safer:
    "Try it under the application's own role on a copy first (SET ROLE); create the policies before ENABLE ROW LEVEL SECURITY.",
  versions: "9.5 and later",
  source: "RISKS 46",
  boundary: "On a table that the same migration makes it is safe; so is GRANT.",
  example: `ALTER TABLE "User" ENABLE ROW LEVEL SECURITY;`,
  on: ["rowSecurity", "drop"],
  match(change) {
    if (change.kind === "rowSecurity") {
      return { message: `${change.how}${change.table === undefined ? "" : ` on ${show(change.table)}`}.` };
    }
    if (change.object !== "policy" || change.table === undefined) return undefined;
    return { message: `Policy "${change.name.name}" on ${show(change.table)} is dropped.` };
  },
});
