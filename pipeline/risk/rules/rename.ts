import type { Name } from "../names.js";
import type { RuleContext } from "../ruleContext.js";
import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const rename = defineRule({
  id: "rename",
  title: "Column, table, type or schema is renamed",
  tier: "risky",
  effects: ["breaks"],
  reason:
    "The application that is running names it by its old name, and fails from the moment the migration commits until the new release runs everywhere.",
  safer:
    "Keep the name in the database and rename in Prisma alone (@map, @@map). Or expand and contract: add, fill, switch over, drop; for a table a view under the old name.",
  versions: "all",
  source: "RISKS 37; seed: Cambiar nombres de columnas",
  boundary:
    "Renaming an index, a constraint or the sequence behind a column (…_seq) breaks nothing, since no statement of Prisma names them.",
  example: `ALTER TABLE "User" RENAME COLUMN "name" TO "fullName";`,
  on: ["renameColumn", "rename", "setSchema"],
  match(change, context) {
    if (change.kind === "renameColumn") {
      if (context.isNew(context.column(change.table, change.from))) return undefined;
      return { message: `Column "${change.from}" of ${show(change.table)} is renamed to "${change.to}".` };
    }
    const { from, object } = change;
    const seen = ["table", "view", "materialized view", "foreign table", "schema", "type", "function"];
    const named = object === "sequence" && !/_seq\d*$/.test(from.name) && !isSequenceOfFile(context, from);
    if (!seen.includes(object) && !named) return undefined;
    const things = [context.knownTable(from), context.state.view(from), context.state.type(from)];
    // An index may be renamed by ALTER TABLE too.
    if (things.some((thing) => context.isNew(thing)) || context.state.index(from) !== undefined) return undefined;
    const to = change.kind === "rename" ? `renamed to "${change.to}"` : `moved to schema "${change.schema}"`;
    const replaced = object === "type" && isReplaced(context, from);
    const message = `${object[0]?.toUpperCase()}${object.slice(1)} ${show(from)} is ${to}.`;
    return replaced ? { message, tier: "safe", effects: [] } : { message };
  },
});

/** Prisma's swap of an enum ends with another type under the old name; that is judged where the columns change over. */
function isReplaced(context: RuleContext, type: Name): boolean {
  return context.file.changes.some(
    (change) => change.kind === "rename" && change.object === "type" && change.to === type.name,
  );
}

function isSequenceOfFile(context: RuleContext, { name }: Name): boolean {
  return context.file.changes.some((change) => change.kind === "createSequence" && change.name.name === name);
}
