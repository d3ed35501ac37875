import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const dropTable = defineRule({
  id: "drop-table",
  title: "Table is dropped",
  tier: "dangerous",
  effects: ["drop", "loss", "breaks", "irreversible"],
  reason: "All of its rows are gone, and an application that still names it fails from that moment.",
  safer:
    "First release an application that does not use the table; rename it or move it to another schema for a while; drop it in a later release, with a backup that is proved.",
  versions: "all",
  source: "RISKS 33; seed: Eliminar tablas",
  boundary: "A table that this migration made is safe to drop; one that is known to be empty is risky.",
  example: `DROP TABLE "Invoice";`,
  on: ["drop"],
  match({ object, name, ifExists }, context) {
    if (object !== "table" && object !== "foreign table") return undefined;
    const known = context.knownTable(name);
    if (context.isNew(known)) return undefined;
    if (ifExists && context.isAbsent(name, context.state.tables)) return undefined;
    const facts = context.facts(name);
    const rows = facts === undefined ? "all of its rows" : `${facts.rows} rows`;
    return {
      message: `Table ${show(name)} is dropped, with ${rows}.`,
      tier: facts?.rows === 0 ? "risky" : "dangerous",
      // A foreign table keeps its rows where they are.
      ...(object === "foreign table" ? { tier: "risky", effects: ["breaks"] } : {}),
    };
  },
});
