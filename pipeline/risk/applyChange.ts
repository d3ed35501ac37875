import type { Change, ChangeOf, ColumnSpec, ConstraintSpec } from "./change.js";
import type { Name } from "./names.js";
import type { Column, SchemaState, Table } from "./schemaState.js";
import { applyConstraint, forgetColumn, renameColumnEverywhere } from "./tableParts.js";
import { relationsIn, columnsIn } from "./walk.js";

/** Follows a change, so that the next one is judged against the schema it leaves. */
export function applyChange(state: SchemaState, change: Change): void {
  if (applyToTable(state, change)) return;
  switch (change.kind) {
    case "createTable":
      return createTable(state, change);
    case "createView":
      return createView(state, change);
    case "drop":
      return drop(state, change);
    case "rename":
      return rename(state, change);
    case "setSchema":
      return setSchema(state, change);
    case "createEnum": {
      const values = new Set(change.values);
      state.types.set(state.key(change.type), { kind: "enum", values, madeBy: state.migration, addedBy: new Map() });
      return;
    }
    case "addEnumValue": {
      const type = state.type(change.type);
      if (type?.kind !== "enum") return;
      type.values.add(change.value);
      type.addedBy.set(change.value, state.migration);
      return;
    }
    case "renameEnumValue": {
      const type = state.type(change.type);
      if (type?.kind === "enum" && type.values.delete(change.from)) type.values.add(change.to);
      return;
    }
    case "createDomain": {
      const { base, constrained } = change;
      state.types.set(state.key(change.type), { kind: "domain", base, constrained, madeBy: state.migration });
      return;
    }
    case "alterDomain": {
      const type = state.type(change.type);
      if (type?.kind === "domain" && change.how !== "other") type.constrained = true;
      return;
    }
    case "createType":
      state.types.set(state.key(change.type), { kind: "other", madeBy: state.migration });
      return;
    case "createFunction":
      state.functions.set(change.name.name, { volatile: change.volatile, madeBy: state.migration });
      return;
    case "searchPath":
      state.searchPath = change.schemas.length > 0 ? change.schemas : [state.defaultSchema];
      return;
    case "timeZone":
      state.timeZone = change.zone;
      return;
    case "opaque":
      for (const inner of change.inner) applyChange(state, inner);
      state.certain = false;
      return;
    default:
      return;
  }
}

/** True where the change was one of a table that is known. */
function applyToTable(state: SchemaState, change: Change): boolean {
  if (!("table" in change) || change.table === undefined || change.kind === "createTable" || change.kind === "drop")
    return false;
  const table = state.table(change.table) ?? (state.view(change.table) ? undefined : adopt(state, change.table));
  if (table === undefined) return true;
  switch (change.kind) {
    case "addColumn":
      addColumn(state, table, change);
      break;
    case "dropColumn":
      forgetColumn(table, change.column);
      break;
    case "alterType": {
      const column = table.columns.get(change.column);
      if (column !== undefined) column.type = change.type;
      break;
    }
    case "setNotNull":
    case "addIdentity":
      setColumn(table, change.column, { notNull: true });
      break;
    case "dropNotNull":
      setColumn(table, change.column, { notNull: false });
      break;
    case "setDefault":
      setColumn(table, change.column, { hasDefault: true });
      break;
    case "dropDefault":
    case "dropIdentity":
      setColumn(table, change.column, { hasDefault: false });
      break;
    case "dropExpression":
      setColumn(table, change.column, { generated: undefined });
      break;
    case "addConstraint":
      applyConstraint(state, table, change.constraint);
      break;
    case "dropConstraint":
      table.constraints.delete(change.constraint);
      table.indexes.delete(change.constraint);
      break;
    case "validateConstraint": {
      const constraint = table.constraints.get(change.constraint);
      if (constraint !== undefined) constraint.validated = true;
      if (constraint?.kind === "notNull")
        for (const name of constraint.columns) setColumn(table, name, { notNull: true });
      break;
    }
    case "renameConstraint": {
      const constraint = table.constraints.get(change.from);
      if (constraint !== undefined) {
        table.constraints.delete(change.from);
        table.constraints.set(change.to, constraint);
        constraint.name = change.to;
      }
      renameIndex(table, change.from, change.to);
      break;
    }
    case "renameColumn":
      renameColumnEverywhere(state, table, change.from, change.to);
      break;
    case "createIndex":
      createIndex(state, table, change);
      break;
    case "setLogged":
    case "setUnlogged":
      table.unlogged = change.kind === "setUnlogged";
      break;
    case "attachPartition":
    case "detachPartition": {
      const partition = state.table(change.partition);
      if (partition === undefined) break;
      if (change.kind === "attachPartition") table.partitions.add(partition);
      else table.partitions.delete(partition);
      break;
    }
    default:
      break;
  }
  return true;
}

function setColumn(table: Table, name: string, values: Partial<Omit<Column, "name" | "madeBy">>): void {
  const column = table.columns.get(name);
  if (column !== undefined) Object.assign(column, values);
}

function newTable(state: SchemaState, name: Name, madeBy: number): Table {
  const key = state.key(name);
  const schema = key.slice(0, key.length - name.name.length - 1);
  const table: Table = {
    schema,
    name: name.name,
    factsKey: madeBy === -1 ? key : undefined,
    columns: new Map(),
    complete: false,
    constraints: new Map(),
    indexes: new Map(),
    partitions: new Set(),
    unlogged: false,
    madeBy,
  };
  state.tables.set(key, table);
  return table;
}

/** A table that the history does not create, but alters: it was there before. */
function adopt(state: SchemaState, name: Name): Table {
  return newTable(state, name, -1);
}

function columnOf(state: SchemaState, spec: ColumnSpec): Column {
  return {
    name: spec.name,
    type: spec.type,
    notNull: spec.notNull,
    hasDefault: spec.defaultValue !== undefined || spec.serial || spec.identity || spec.generated !== undefined,
    generated: spec.generated,
    madeBy: state.migration,
  };
}

function createTable(state: SchemaState, change: ChangeOf<"createTable">): void {
  if (change.ifNotExists && state.table(change.table) !== undefined) return;
  // Where the history is not whole, IF NOT EXISTS says that the table may be there, in whatever shape.
  const maybeThere = change.ifNotExists && !state.certain;
  const table = newTable(state, change.table, maybeThere ? -1 : state.migration);
  table.unlogged = change.unlogged;
  const sources = [...change.like, ...change.inherits, ...(change.partitionOf ? [change.partitionOf] : [])].map(
    (name) => state.table(name),
  );
  for (const source of sources) {
    for (const column of source?.columns.values() ?? []) table.columns.set(column.name, { ...column });
  }
  for (const spec of change.columns) table.columns.set(spec.name, columnOf(state, spec));
  table.complete =
    !maybeThere && (change.complete || (sources.length > 0 && sources.every((source) => source?.complete === true)));
  for (const constraint of change.constraints) applyConstraint(state, table, constraint);
  if (change.partitionOf !== undefined) state.table(change.partitionOf)?.partitions.add(table);
}

function addColumn(state: SchemaState, table: Table, change: ChangeOf<"addColumn">): void {
  if (change.ifNotExists && table.columns.has(change.column.name)) return;
  const maybeThere = change.ifNotExists && !table.complete;
  table.columns.set(change.column.name, {
    ...columnOf(state, change.column),
    ...(maybeThere ? { madeBy: -1, type: undefined } : {}),
  });
  const specs: readonly ConstraintSpec[] = change.constraints;
  for (const constraint of specs) applyConstraint(state, table, constraint);
}

function createIndex(state: SchemaState, table: Table, { index, ifNotExists }: ChangeOf<"createIndex">): void {
  const name = index.name ?? `${table.name}_${(index.keys ?? ["expr"]).join("_")}_idx`;
  if (ifNotExists && table.indexes.has(name)) return;
  table.indexes.set(name, {
    name,
    schema: table.schema,
    columns: [...index.columns],
    keys: index.keys === undefined ? undefined : [...index.keys],
    unique: index.unique,
    madeBy: state.migration,
  });
}

function createView(state: SchemaState, change: ChangeOf<"createView">): void {
  const columns = columnsIn(change.query);
  const reads = relationsIn(change.query).flatMap((name) => {
    const table = state.table(name);
    return table === undefined ? [] : [{ table, columns }];
  });
  const key = state.find(change.view, state.views) ?? state.key(change.view);
  const madeBy = state.views.get(key)?.madeBy ?? state.migration;
  const schema = key.slice(0, key.length - change.view.name.length - 1);
  state.views.set(key, { schema, name: change.view.name, materialized: change.materialized, reads, madeBy });
}

function drop(state: SchemaState, change: ChangeOf<"drop">): void {
  const { name } = change;
  switch (change.object) {
    case "table":
    case "foreign table": {
      const table = state.table(name);
      if (table !== undefined) forgetTable(state, table);
      return;
    }
    case "view":
    case "materialized view": {
      const key = state.find(name, state.views);
      if (key !== undefined) state.views.delete(key);
      return;
    }
    case "index": {
      const found = state.index(name);
      if (found !== undefined) found.table.indexes.delete(found.index.name);
      return;
    }
    case "type": {
      if (change.cascade) forgetColumnsOfType(state, name);
      const key = state.find(name, state.types);
      if (key !== undefined) state.types.delete(key);
      return;
    }
    case "schema": {
      for (const table of [...state.tables.values()]) if (table.schema === name.name) forgetTable(state, table);
      for (const [key, view] of [...state.views]) if (view.schema === name.name) state.views.delete(key);
      for (const key of [...state.types.keys()]) if (key.startsWith(`${name.name}.`)) state.types.delete(key);
      return;
    }
    case "function":
      state.functions.delete(name.name);
      return;
    default:
      return;
  }
}

/** Columns of a type, which DROP TYPE … CASCADE takes with it. */
export function columnsOfType(state: SchemaState, type: Name): { table: Table; column: Column }[] {
  return [...state.tables.values()].flatMap((table) =>
    [...table.columns.values()].flatMap((column) => (column.type?.name === type.name ? [{ table, column }] : [])),
  );
}

function forgetColumnsOfType(state: SchemaState, type: Name): void {
  for (const { table, column } of columnsOfType(state, type)) forgetColumn(table, column.name);
}

function forgetTable(state: SchemaState, table: Table): void {
  state.tables.delete(`${table.schema}.${table.name}`);
  for (const partition of table.partitions) forgetTable(state, partition);
  for (const other of state.referencing(table)) other.table.constraints.delete(other.constraint.name);
  for (const view of state.viewsOn(table)) state.views.delete(`${view.schema}.${view.name}`);
}

function renameIndex(table: Table, from: string, to: string): void {
  const index = table.indexes.get(from);
  if (index === undefined) return;
  table.indexes.delete(from);
  table.indexes.set(to, index);
  index.name = to;
}

/** Puts what is under one key under another. */
function rekey<T extends { name: string; schema: string }>(
  map: Map<string, T>,
  item: T,
  to: { name?: string; schema?: string },
): void {
  map.delete(`${item.schema}.${item.name}`);
  item.name = to.name ?? item.name;
  item.schema = to.schema ?? item.schema;
  map.set(`${item.schema}.${item.name}`, item);
}

function rename(state: SchemaState, { object, from, to }: ChangeOf<"rename">): void {
  const table = state.table(from);
  const view = state.view(from);
  if (object === "schema") return moveSchema(state, from.name, to);
  if (object === "type")
    return rekeyType(state, from, (key) => `${key.slice(0, key.length - from.name.length)}${to}`, to);
  if (object === "index" || (table === undefined && view === undefined)) {
    const found = state.index(from);
    if (found === undefined) return;
    renameIndex(found.table, from.name, to);
    const constraint = found.table.constraints.get(from.name);
    if (constraint === undefined) return;
    found.table.constraints.delete(from.name);
    found.table.constraints.set(to, constraint);
    constraint.name = to;
    return;
  }
  if (table !== undefined) rekey(state.tables, table, { name: to });
  else if (view !== undefined) rekey(state.views, view, { name: to });
}

function setSchema(state: SchemaState, { object, from, schema }: ChangeOf<"setSchema">): void {
  const table = state.table(from);
  const view = state.view(from);
  if (object === "type") rekeyType(state, from, () => `${schema}.${from.name}`, from.name);
  else if (table !== undefined) rekey(state.tables, table, { schema });
  else if (view !== undefined) rekey(state.views, view, { schema });
}

function rekeyType(state: SchemaState, from: Name, newKey: (key: string) => string, to: string): void {
  const key = state.find(from, state.types);
  const type = key === undefined ? undefined : state.types.get(key);
  // Columns name their type, so they follow it.
  for (const { column } of columnsOfType(state, from)) {
    if (column.type !== undefined) column.type = { ...column.type, name: to };
  }
  if (key === undefined || type === undefined) return;
  state.types.delete(key);
  state.types.set(newKey(key), type);
}

function moveSchema(state: SchemaState, from: string, to: string): void {
  for (const table of [...state.tables.values()]) if (table.schema === from) rekey(state.tables, table, { schema: to });
  for (const view of [...state.views.values()]) if (view.schema === from) rekey(state.views, view, { schema: to });
  for (const [key, type] of [...state.types]) {
    if (!key.startsWith(`${from}.`)) continue;
    state.types.delete(key);
    state.types.set(`${to}${key.slice(from.length)}`, type);
  }
}
