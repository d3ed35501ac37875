import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const rewriteTable = defineRule({
  id: "rewrite-table",
  title: "Table is written anew or moved",
  tier: "risky",
  effects: ["rewrite", "lock"],
  reason:
    "CLUSTER, VACUUM FULL, SET ACCESS METHOD, SET LOGGED and SET TABLESPACE copy the whole table under an ACCESS EXCLUSIVE lock: nobody reads or writes it meanwhile.",
  safer: "pg_repack or pg_squeeze, outside a migration; plain VACUUM where space is only to be used again.",
  versions: "all; SET ACCESS METHOD from 15",
  source: "RISKS 42",
  boundary: "VACUUM without FULL and ANALYZE are safe; so is a new table.",
  example: `CLUSTER "Order" USING "Order_pkey";`,
  on: ["rewriteTable", "setLogged", "moveTable"],
  match(change, context) {
    const { table } = change;
    const what = table === undefined ? "every table" : show(table);
    const how = change.kind === "setLogged" ? "SET LOGGED" : change.how;
    if (change.kind === "setLogged" && table !== undefined && context.knownTable(table)?.unlogged === false) {
      if (context.knownTable(table)?.complete === true) return undefined;
    }
    return {
      message: `${how} copies ${what} while nobody else can read or write it.`,
      tier: table === undefined ? "risky" : context.unlessEmpty(table, "risky"),
      ...(change.kind === "moveTable" ? { effects: ["lock"] } : {}),
    };
  },
});
