import type { ConstraintSpec } from "./change.js";
import type { SchemaState, Table } from "./schemaState.js";
import { functionsIn, notNullColumns } from "./walk.js";

const suffixes = {
  primary: "pkey",
  unique: "key",
  foreign: "fkey",
  check: "check",
  exclude: "excl",
  notNull: "not_null",
};

/** The name that PostgreSQL makes where none is given (`ChooseConstraintName`), without its cut at 63 bytes. */
function madeUpName(table: Table, spec: ConstraintSpec): string {
  const columns = spec.kind === "primary" ? [] : spec.columns;
  return [table.name, ...columns, suffixes[spec.kind]].join("_");
}

export function applyConstraint(state: SchemaState, table: Table, spec: ConstraintSpec): void {
  const index = spec.usingIndex === undefined ? undefined : table.indexes.get(spec.usingIndex);
  // USING INDEX renames the index to the constraint's name.
  if (index !== undefined) table.indexes.delete(index.name);
  const name = spec.name ?? spec.usingIndex ?? madeUpName(table, spec);
  const columns = index?.keys ?? [...spec.columns];
  for (const called of functionsIn(spec.expression)) table.rowCalls.add(called);
  table.constraints.set(name, {
    name,
    kind: spec.kind,
    columns,
    validated: !spec.notValid,
    notNull: spec.kind === "check" ? notNullColumns(spec.expression) : [],
    references: spec.references === undefined ? undefined : state.table(spec.references),
    madeBy: state.migration,
  });
  if (spec.kind === "primary" || (spec.kind === "notNull" && !spec.notValid)) {
    for (const column of columns) {
      const known = table.columns.get(column);
      if (known !== undefined) known.notNull = true;
    }
  }
  if (spec.kind === "primary" || spec.kind === "unique" || spec.kind === "exclude") {
    const made = index?.madeBy ?? state.migration;
    table.indexes.set(name, {
      name,
      schema: table.schema,
      columns,
      keys: columns,
      unique: spec.kind !== "exclude",
      plain: false,
      madeBy: made,
    });
  }
}

/** A column is gone, with every index and constraint that it is part of. */
export function forgetColumn(table: Table, name: string): void {
  table.columns.delete(name);
  for (const [key, constraint] of [...table.constraints])
    if (constraint.columns.includes(name)) table.constraints.delete(key);
  for (const [key, index] of [...table.indexes]) if (index.columns.includes(name)) table.indexes.delete(key);
}

export function renameColumnEverywhere(state: SchemaState, table: Table, from: string, to: string): void {
  const swap = (names: readonly string[]) => names.map((name) => (name === from ? to : name));
  const column = table.columns.get(from);
  if (column !== undefined) {
    table.columns.delete(from);
    table.columns.set(to, column);
    column.name = to;
  }
  for (const constraint of table.constraints.values()) {
    constraint.columns = swap(constraint.columns);
    constraint.notNull = swap(constraint.notNull);
  }
  for (const index of table.indexes.values()) {
    index.columns = swap(index.columns);
    index.keys = index.keys === undefined ? undefined : swap(index.keys);
  }
  for (const [key, view] of [...state.views]) {
    const reads = view.reads.map((read) =>
      read.table === table && read.columns.has(from) ? { table, columns: new Set(swap([...read.columns])) } : read,
    );
    state.views.set(key, { ...view, reads });
  }
}

export function renameIndex(table: Table, from: string, to: string): void {
  const index = table.indexes.get(from);
  if (index === undefined) return;
  table.indexes.delete(from);
  table.indexes.set(to, index);
  index.name = to;
}

export function renameConstraint(table: Table, from: string, to: string): void {
  const constraint = table.constraints.get(from);
  if (constraint === undefined) return;
  table.constraints.delete(from);
  table.constraints.set(to, constraint);
  constraint.name = to;
}
