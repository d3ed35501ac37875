import type { Change, ChangeKind } from "../change.js";
import type { Name } from "../names.js";
import { statementsOf } from "../statements.js";
import type { MigrationSource } from "../types.js";
import { type Clause, clausesOf } from "./clauses.js";

/** What else of a migration is about the same column: then its statements stay together, as they were written. */
export const entangledReason = "is kept: other statements of the migration are about it as well";

/** What is made over a column that is there later too, and is put behind its change. */
function follows(change: Change): boolean {
  if (change.kind !== "addConstraint") return change.kind === "createIndex" || change.kind === "setNotNull";
  return ["unique", "foreign", "check"].includes(change.constraint.kind);
}

/** What is about the table that it names, and no other. */
const ofTheirTable: ReadonlySet<ChangeKind> = new Set<ChangeKind>([
  "createTable",
  "addColumn",
  "dropColumn",
  "alterType",
  "setNotNull",
  "dropNotNull",
  "setDefault",
  "dropDefault",
  "createIndex",
  "addConstraint",
  "dropConstraint",
  "renameColumn",
]);

/** What the later stages of a series would no longer find. */
const moves: ReadonlySet<ChangeKind> = new Set<ChangeKind>(["dropColumn", "renameColumn", "alterType"]);

/** Whether a column that is to be taken over by another is spoken of elsewhere in the migration. */
export function isTakenOverAlone(
  clauses: readonly Clause[],
  own: ReadonlySet<Change>,
  table: Name,
  names: readonly string[],
): boolean {
  return (
    !tableMoves(clauses, table) &&
    !clauses.some((clause) => !own.has(clause.change) && !follows(clause.change) && speaksOf(clause, table, names))
  );
}

/** Whether a column that changes in its place is left alone by what comes after. @param whole not even filled, or given a default */
export function staysAsItIs(
  clauses: readonly Clause[],
  own: Change,
  { table, names, whole }: { readonly table: Name; readonly names: readonly string[]; readonly whole: boolean },
): boolean {
  if (tableMoves(clauses, table)) return false;
  const later = clauses.slice(clauses.findIndex(({ change }) => change === own) + 1);
  return !later.some(
    (clause) => speaksOf(clause, table, names) && (whole ? !follows(clause.change) : moves.has(clause.change.kind)),
  );
}

/**
 * The first of the migrations after one that takes away, renames or retypes what a later step of its series may name. `loadParser`
 * must have been awaited.
 */
export function undoneBy(original: MigrationSource, later: readonly MigrationSource[]): string | undefined {
  const clauses = ({ sql }: MigrationSource) => statementsOf(sql).flatMap(clausesOf);
  const tables = clauses(original).flatMap(({ change }) =>
    "table" in change && change.table !== undefined ? [change.table] : [],
  );
  return later.find((migration) => {
    const own = clauses(migration);
    return tables.some(
      (table) =>
        tableMoves(own, table) ||
        own.some(({ change }) => moves.has(change.kind) && "table" in change && change.table?.name === table.name),
    );
  })?.name;
}

/** The table is dropped or gets another name, before or after. */
function tableMoves(clauses: readonly Clause[], table: Name): boolean {
  return clauses.some(
    ({ change }) =>
      (change.kind === "drop" && change.object === "table" && change.name.name === table.name) ||
      (change.kind === "rename" &&
        change.object !== "index" &&
        (change.from.name === table.name || change.to === table.name)) ||
      (change.kind === "setSchema" && change.from.name === table.name),
  );
}

/** Whether a statement names one of these, as far as its text tells; a statement of another table does not. */
function speaksOf({ sql, change }: Clause, table: Name, names: readonly string[]): boolean {
  if (ofTheirTable.has(change.kind) && "table" in change && change.table?.name !== table.name) return false;
  return names.some((name) => mentions(sql, name));
}

/** Whether a name stands in a text as a word of its own, in quotes or not. */
export function mentions(sql: string, name: string): boolean {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\w$])"?${escaped}"?(?![\\w$])`, "i").test(sql);
}
