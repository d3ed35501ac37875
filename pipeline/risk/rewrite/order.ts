import type { Change } from "../change.js";
import { type Name, show, showColumns } from "../names.js";
import type { Index, SchemaState } from "../schemaState.js";
import type { Clause } from "./clauses.js";
import { quote } from "./constraints.js";
import { mentions } from "./entangled.js";
import type { Piece } from "./piece.js";

/** What is in files of their own comes last, so that all else is one migration. */
export function aloneLast(pieces: readonly Piece[]): Piece[] {
  return [...pieces.filter(({ alone }) => alone !== true), ...pieces.filter(({ alone }) => alone === true)];
}

/** A column of a table. */
export interface ColumnName {
  readonly table: Name;
  readonly column: string;
}

/** Whether a change makes something over a column that goes, which would go with it. */
export function standsOn(taken: readonly ColumnName[], change: Change): boolean {
  if (!("table" in change) || change.table === undefined) return false;
  const table = change.table.name;
  return taken.some((one) => one.table.name === table && columnsOf(change).includes(one.column));
}

/** The columns that an index, a constraint or NOT NULL is over. */
export function columnsOf(change: Change): readonly string[] {
  if (change.kind === "createIndex") return change.index.columns;
  if (change.kind === "addConstraint") return change.constraint.columns;
  return change.kind === "setNotNull" ? [change.column] : [];
}

/** Whether a statement stands on an index that a statement before it makes: then the order has to stay. */
export function needsIndexFirst(state: SchemaState, clauses: readonly Clause[]): boolean {
  return clauses.some(({ change }, at) => {
    const made =
      change.kind === "createIndex"
        ? { name: change.index.name, unique: change.index.unique }
        : change.kind === "addConstraint" && change.constraint.kind === "unique"
          ? { name: change.constraint.name, unique: true }
          : undefined;
    if (made === undefined || !("table" in change) || change.table === undefined) return false;
    const table = change.table.name;
    // On a table that the migration makes, the index is made with it.
    if (state.table(change.table) === undefined) return false;
    return clauses
      .slice(at + 1)
      .some(
        ({ sql, change: later }) =>
          (made.name !== undefined && sql.includes(quote(made.name))) ||
          (made.unique && later.kind === "addConstraint" && later.constraint.references?.name === table),
      );
  });
}

/**
 * DROP INDEX, to be done when what takes the index's place is there; `undefined` where it has to stand where it stands: its name is taken by
 * another, it goes with a column, or it keeps out values that are let in from then on.
 *
 * @param renamed the column that takes over from one, by the old name
 */
export function droppedLate(
  state: SchemaState,
  { sql, change }: Clause,
  clauses: readonly Clause[],
  renamed: (table: Name, column: string) => string | undefined,
): Piece | undefined {
  if (change.kind !== "drop" || change.object !== "index" || change.concurrently) return undefined;
  const found = state.index(change.name);
  if (found === undefined || found.index.madeBy === state.migration) return undefined;
  const { index, table } = found;
  const others = clauses.filter((clause) => clause.change !== change);
  if (others.some((clause) => mentions(clause.sql, index.name))) return undefined;
  const own: Name = { schema: table.schema, name: table.name };
  const isOfTable = (name: Name) => state.table(name) === table;
  const goes = others.some(
    ({ change: other }) =>
      (other.kind === "dropColumn" &&
        isOfTable(other.table) &&
        index.columns.includes(other.column) &&
        renamed(own, other.column) === undefined) ||
      (other.kind === "drop" && other.object === "table" && isOfTable(other.name)) ||
      ((other.kind === "rename" || other.kind === "setSchema") && isOfTable(other.from)),
  );
  if (goes) return undefined;
  const successor = index.keys?.map((key) => renamed(own, key) ?? key).join();
  const madeAnew = others.some(
    ({ change: other }) =>
      other.kind === "createIndex" &&
      other.index.unique &&
      isOfTable(other.table) &&
      other.index.keys?.join() === successor,
  );
  if (index.unique && !madeAnew) return undefined;
  return {
    sql,
    down: index.plain
      ? remade(index, show({ ...(change.name.schema ? { schema: table.schema } : {}), name: table.name }))
      : `-- Undo by hand: ${sql}`,
  };
}

function remade({ name, unique, keys = [] }: Index, table: string): string {
  return `CREATE ${unique ? "UNIQUE " : ""}INDEX ${quote(name)} ON ${table} (${showColumns(keys)});`;
}
