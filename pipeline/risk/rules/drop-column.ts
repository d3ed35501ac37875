import type { Name } from "../names.js";
import type { RuleContext } from "../ruleContext.js";
import { show, showColumns } from "../names.js";
import { defineRule } from "../rule.js";

export const dropColumn = defineRule({
  id: "drop-column",
  title: "Column is dropped",
  tier: "risky",
  effects: ["drop", "loss", "lock", "breaks", "irreversible"],
  reason:
    "Its values are gone, an application that still names it fails from that moment, and indexes and constraints that it is part of go with it in silence.",
  safer:
    "First release an application that does not name the column; drop it in a later one, with a backup that is proved. To rename: add the new column, fill it, switch over, drop the old one.",
  versions: "all",
  source: "RISKS 32; seed: Eliminar columnas, Cambiar nombres de columnas (Prisma writes DROP and ADD)",
  boundary:
    "Dangerous where it is known to hold values: a required column of a table with rows. One that this migration added is safe to drop.",
  example: `ALTER TABLE "User" DROP COLUMN "phone";`,
  on: ["dropColumn"],
  match({ table, column, ifExists }, context) {
    const known = context.knownTable(table);
    const found = known?.columns.get(column);
    if (context.isNew(found)) return undefined;
    if (found === undefined && ifExists && known?.complete === true && context.state.certain) return undefined;
    const facts = context.facts(table);
    const full = facts !== undefined && facts.rows > 0;
    const filled = full && found?.notNull === true;
    const unknowns =
      facts === undefined || (full && !filled)
        ? [`whether column "${column}" of ${show(table)} holds values (dangerous if it does)`]
        : [];
    return {
      message: `Column "${column}" of ${show(table)} is dropped${filled ? `, with the values of ${facts.rows} rows` : ""}.${also(context, table, column)}`,
      tier: filled ? "dangerous" : "risky",
      unknowns,
    };
  },
});

/** What goes with it in silence, and what it looks like. */
function also(context: RuleContext, table: Name, column: string): string {
  const wide = [...(context.knownTable(table)?.indexes.values() ?? [])].filter(
    ({ columns }) => columns.length > 1 && columns.includes(column),
  );
  const indexes =
    wide.length === 0
      ? ""
      : ` Index ${wide.map(({ name }) => `"${name}"`).join(", ")} over several columns goes with it.`;
  const key = context.state.key(table);
  const added = context.file.changes.flatMap((change) =>
    change.kind === "addColumn" && context.state.key(change.table) === key ? [change.column.name] : [],
  );
  if (added.includes(column)) return `${indexes} It is added again, empty: its values are not carried over.`;
  return added.length === 0
    ? indexes
    : `${indexes} If ${showColumns(added)} is its new name, its values are not carried over.`;
}
