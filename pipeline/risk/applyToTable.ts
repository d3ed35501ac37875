import { type Change, type ChangeOf, type Handlers, handle } from "./change.js";
import { constantText } from "./defaultValue.js";
import type { Column, SchemaState, Table } from "./schemaState.js";
import { columnOf, newTable } from "./newTable.js";
import { functionsIn } from "./walk.js";
import { applyConstraint, forgetColumn, renameColumnEverywhere, renameConstraint, renameIndex } from "./tableParts.js";

/** Follows a change of a table that is there. */
export function applyToTable(state: SchemaState, change: Change): void {
  if (!("table" in change) || change.table === undefined || !Object.hasOwn(handlers, change.kind)) return;
  // A table that the history does not create, but alters, was there before it.
  const table = state.table(change.table) ?? (state.view(change.table) ? undefined : newTable(state, change.table, -1));
  if (table !== undefined) handle(handlers, change, table, state);
}

type InTable = readonly [table: Table, state: SchemaState];

const handlers: Handlers<InTable> = {
  addColumn,
  createIndex,
  insert(_change, table) {
    table.filled = true;
  },
  write(_change, table) {
    table.filled = true;
  },
  dropColumn: ({ column }, table) => forgetColumn(table, column),
  alterType: ({ column, type }, table) => setColumn(table, column, { type }),
  setNotNull: ({ column }, table) => setColumn(table, column, { notNull: true }),
  addIdentity: ({ column }, table) => setColumn(table, column, { notNull: true, hasDefault: true, computed: true }),
  dropNotNull: ({ column }, table) => setColumn(table, column, { notNull: false }),
  setDefault({ column, value }, table) {
    const calls = [...functionsIn(value)];
    for (const name of calls) table.rowCalls.add(name);
    setColumn(table, column, { hasDefault: true, defaultText: constantText(value), computed: calls.length > 0 });
  },
  dropDefault: ({ column }, table) =>
    setColumn(table, column, { hasDefault: false, defaultText: undefined, computed: false }),
  dropIdentity: ({ column }, table) => setColumn(table, column, { hasDefault: false, computed: false }),
  dropExpression: ({ column }, table) => setColumn(table, column, { generated: undefined }),
  addConstraint: ({ constraint }, table, state) => applyConstraint(state, table, constraint),
  dropConstraint({ constraint }, table) {
    table.constraints.delete(constraint);
    table.indexes.delete(constraint);
  },
  validateConstraint({ constraint: name }, table) {
    const constraint = table.constraints.get(name);
    if (constraint === undefined) return;
    constraint.validated = true;
    if (constraint.kind !== "notNull") return;
    for (const column of constraint.columns) setColumn(table, column, { notNull: true });
  },
  renameConstraint({ from, to }, table) {
    renameConstraint(table, from, to);
    renameIndex(table, from, to);
  },
  renameColumn: ({ from, to }, table, state) => renameColumnEverywhere(state, table, from, to),
  setLogged(_change, table) {
    table.unlogged = false;
  },
  setUnlogged(_change, table) {
    table.unlogged = true;
  },
  attachPartition({ partition, isDefault }, table, state) {
    const child = state.table(partition);
    if (child === undefined) return;
    child.isDefault = isDefault;
    table.partitions.add(child);
  },
  inherit({ parent, how }, table, state) {
    const known = parent === undefined ? undefined : state.table(parent);
    if (how === "INHERIT") known?.partitions.add(table);
    if (how === "NO INHERIT") known?.partitions.delete(table);
  },
  detachPartition({ partition }, table, state) {
    const child = state.table(partition);
    if (child !== undefined) table.partitions.delete(child);
  },
};

function setColumn(table: Table, name: string, values: Partial<Omit<Column, "name" | "madeBy">>): void {
  const column = table.columns.get(name);
  if (column !== undefined) Object.assign(column, values);
}

function addColumn(change: ChangeOf<"addColumn">, table: Table, state: SchemaState): void {
  if (change.ifNotExists && table.columns.has(change.column.name)) return;
  const maybeThere = change.ifNotExists && !table.complete;
  for (const name of functionsIn(change.column.defaultValue)) table.rowCalls.add(name);
  table.columns.set(change.column.name, {
    ...columnOf(state, change.column),
    ...(maybeThere ? { madeBy: -1, type: undefined } : {}),
  });
  for (const constraint of change.constraints) applyConstraint(state, table, constraint);
}

function createIndex({ index, ifNotExists }: ChangeOf<"createIndex">, table: Table, state: SchemaState): void {
  const name = index.name ?? `${table.name}_${(index.keys ?? ["expr"]).join("_")}_idx`;
  if (ifNotExists && table.indexes.has(name)) return;
  table.indexes.set(name, {
    name,
    schema: table.schema,
    columns: [...index.columns],
    keys: index.keys === undefined ? undefined : [...index.keys],
    unique: index.unique,
    plain: index.plain,
    madeBy: state.migration,
  });
}
