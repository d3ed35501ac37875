import type { ChangeOf } from "../change.js";
import { show } from "../names.js";
import type { RuleContext } from "../ruleContext.js";
import { defineRule } from "../rule.js";

export const dropObject = defineRule({
  id: "drop-object",
  title: "View, function, sequence or another object is dropped",
  tier: "risky",
  effects: ["breaks"],
  reason:
    "An application, a default or another object that still uses it fails from that moment; a sequence takes its counter with it.",
  safer: "Release an application that does not use it first; create what replaces it in the same migration.",
  versions: "all",
  source: "seed: Cambios estructurales mayores; RISKS 37",
  boundary:
    "Safe where the same migration creates it again, or made it; a type without CASCADE is safe, since PostgreSQL refuses while a column has it.",
  example: `DROP VIEW "active_users";`,
  on: ["drop"],
  match(change, context) {
    const { object, name, what, ifExists } = change;
    const judged = ["view", "materialized view", "function", "sequence", "extension", "other"];
    if (!judged.includes(object) || harmlessKinds.has(what) || isRecreated(change, context)) return undefined;
    if (object === "view" || object === "materialized view") {
      if (context.isNew(context.state.view(name))) return undefined;
      if (ifExists && context.isAbsent(name, context.state.views)) return undefined;
    }
    if (object === "function") {
      const known = context.state.functions.get(name.name);
      if (context.isNew(known) || (ifExists && known === undefined && context.state.certain)) return undefined;
    }
    return { message: `${what} ${show(name)} is dropped.` };
  },
});

/** Nothing that runs depends on them. */
const harmlessKinds: ReadonlySet<string> = new Set(["STATISTIC EXT", "EVENT TRIGGER"]);

function isRecreated(drop: ChangeOf<"drop">, context: RuleContext): boolean {
  return context.file.changes.some(
    (change) =>
      (change.kind === "createView" && change.view.name === drop.name.name) ||
      (change.kind === "createFunction" && change.name.name === drop.name.name),
  );
}
