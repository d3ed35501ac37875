import type { Change } from "../change.js";
import type { Name } from "../names.js";
import type { SchemaState } from "../schemaState.js";
import type { Clause } from "./clauses.js";
import { quote } from "./constraints.js";
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
