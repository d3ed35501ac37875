import type { RuleContext } from "../ruleContext.js";
import type { Table } from "../schemaState.js";
import { show, showColumns } from "../names.js";
import { defineRule } from "../rule.js";

export const relationRestructured = defineRule({
  id: "relation-restructured",
  title: "Relation is rebuilt",
  tier: "dangerous",
  effects: ["loss", "breaks", "irreversible"],
  reason:
    "The column that links two tables is dropped while the same migration makes another link between them (a join table, a key in the other direction): the links there are not carried over. Likewise a key of several columns.",
  safer:
    "Add the new link beside, fill it from the old one (INSERT … SELECT) and compare the counts, release an application that uses it, and drop the old one later.",
  versions: "all",
  source: "seed: Modificar relaciones complejas",
  boundary:
    "Dropping and adding a simple foreign key over the same column (another ON DELETE) is risky (drop-constraint, add-foreign-key).",
  example: `ALTER TABLE "Post" ADD COLUMN "authorId" INTEGER REFERENCES "User"("id"); -- an earlier migration\nCREATE TABLE "_PostToUser" ("A" INTEGER REFERENCES "Post"("id"), "B" INTEGER REFERENCES "User"("id"));\nALTER TABLE "Post" DROP COLUMN "authorId";`,
  on: ["dropColumn", "dropConstraint"],
  match(change, context) {
    const known = context.knownTable(change.table);
    if (known === undefined) return undefined;
    const keys = [...known.constraints.values()].filter(
      (constraint) => constraint.kind === "foreign" && !context.isNew(constraint),
    );
    if (change.kind === "dropConstraint") {
      const key = keys.find(({ name }) => name === change.constraint);
      if (key === undefined || key.columns.length < 2) return undefined;
      return {
        message: `The foreign key "${key.name}" of ${show(change.table)} over ${showColumns(key.columns)} is dropped.`,
        effects: ["breaks"],
      };
    }
    // Prisma drops the constraint first, so the column is looked for among all that the file drops.
    const target =
      keys.find(({ columns }) => columns.includes(change.column))?.references ??
      context.droppedReference(known, change.column);
    if (target === undefined || !isLinkedAnew(context, known, target)) return undefined;
    return {
      message: `Column "${change.column}" linked ${show(change.table)} to "${target.name}"; the migration links them anew, without the links there are.`,
    };
  },
});

/** The file makes a join table of both, or a key from the other side. */
function isLinkedAnew(context: RuleContext, from: Table, to: Table): boolean {
  const links = new Map<string, Set<string>>();
  for (const change of context.file.changes) {
    const specs =
      change.kind === "createTable" ? change.constraints : change.kind === "addConstraint" ? [change.constraint] : [];
    for (const { kind, references } of specs) {
      if (kind !== "foreign" || references === undefined || !("table" in change) || change.table === undefined)
        continue;
      const key = context.state.key(change.table);
      links.set(key, (links.get(key) ?? new Set()).add(context.state.key(references)));
    }
  }
  const [a, b] = [`${from.schema}.${from.name}`, `${to.schema}.${to.name}`];
  if (links.get(b)?.has(a) === true && a !== b) return true;
  return [...links].some(([table, targets]) => table !== a && table !== b && targets.has(a) && targets.has(b));
}
