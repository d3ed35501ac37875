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
    "Safe where the same migration made it, or creates it again exactly as it was, with the rights that were granted on it; a type without CASCADE is safe, since PostgreSQL refuses while a column has it.",
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
      const known = context.state.functions.named(name.name);
      if (known.length > 0 && known.every((one) => context.isNew(one))) return undefined;
      if (known.length === 0 && ifExists && context.state.certain) return undefined;
    }
    return { message: `${what} ${show(name)} is dropped.` };
  },
});

/** Nothing that runs depends on them. */
const harmlessKinds: ReadonlySet<string> = new Set(["STATISTIC EXT"]);

/** It comes back exactly as it was. */
function isRecreated({ name, signature }: ChangeOf<"drop">, { file, state }: RuleContext): boolean {
  const view = state.view(name);
  // Rights on it go with it, and are given again by the same migration, or not.
  const keepsRights =
    view?.granted !== true ||
    file.changes.some(
      (change) =>
        change.kind === "grant" &&
        (change.schemas.includes(view.schema) || change.names.some((granted) => granted.name === name.name)),
    );
  const functions = state.functions.named(name.name);
  const known = signature === undefined ? functions[0] : state.functions.exact(name.name, signature);
  return file.changes.some(
    (change) =>
      (change.kind === "createView" &&
        change.view.name === name.name &&
        change.definition === view?.definition &&
        keepsRights) ||
      (change.kind === "createFunction" &&
        change.name.name === name.name &&
        functions.length === 1 &&
        change.definition === known?.definition),
  );
}
