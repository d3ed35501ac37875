import type { OwnedObject } from "../change.js";
import { show } from "../names.js";
import { defineRule } from "../rule.js";
import type { RuleContext } from "../ruleContext.js";

export const rowSecurity = defineRule({
  id: "row-security",
  title: "Who may see or change what is changed",
  tier: "risky",
  effects: ["lock", "breaks"],
  reason:
    "Row security, policies, REVOKE and functions with the rights of their owner (SECURITY DEFINER) change what the running application sees, often to nothing, and take an ACCESS EXCLUSIVE lock for an instant; REPLICA IDENTITY changes what subscribers are sent. With another owner, whoever owned the table has no more rights on it than were granted.",
  safer:
    "Try it under the application's own role on a copy first (SET ROLE); create the policies before ENABLE ROW LEVEL SECURITY.",
  versions: "9.5 and later",
  source: "RISKS 46",
  boundary: "On what the same migration makes it is safe; so is GRANT.",
  example: `ALTER TABLE "User" ENABLE ROW LEVEL SECURITY;`,
  on: ["rowSecurity", "createFunction", "drop"],
  match(change, context) {
    if (change.kind === "createFunction") {
      if (!change.definer) return undefined;
      return {
        message: `Function ${show(change.name)} is SECURITY DEFINER: everybody may call it, and it then has the rights of its owner.`,
        effects: ["breaks"],
        safer:
          "REVOKE EXECUTE ON FUNCTION … FROM PUBLIC in the same migration, SET search_path on the function, and GRANT EXECUTE to who is meant.",
      };
    }
    if (change.kind === "rowSecurity") {
      if (change.of !== undefined) {
        if (isMadeHere(change.of, context)) return undefined;
        return { message: `${change.how}: ${change.of.object} ${show(change.of.name)}.`, effects: ["breaks"] };
      }
      return { message: `${change.how}${change.table === undefined ? "" : ` on ${show(change.table)}`}.` };
    }
    if (change.object !== "policy" || change.table === undefined) return undefined;
    return { message: `Policy "${change.name.name}" on ${show(change.table)} is dropped.` };
  },
});

function isMadeHere({ object, name }: OwnedObject, context: RuleContext): boolean {
  const { state, file } = context;
  if (object === "function")
    return (
      state.functions.named(name.name).length > 0 &&
      state.functions.named(name.name).every((known) => context.isNew(known))
    );
  if (object === "schema" || object === "sequence") {
    return file.changes.some(
      (change) =>
        (change.kind === "createSchema" && object === "schema" && change.name === name.name) ||
        (change.kind === "createSequence" && object === "sequence" && change.name.name === name.name),
    );
  }
  return context.isNew(state.table(name) ?? state.view(name) ?? state.type(name));
}
