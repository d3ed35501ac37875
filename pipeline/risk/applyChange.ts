import { type Change, type ChangeOf, type Handlers, handle, type ObjectKind } from "./change.js";
import { applyToTable } from "./applyToTable.js";
import { rename, setSchema } from "./moveObjects.js";
import type { Name } from "./names.js";
import { columnOf, newTable } from "./newTable.js";
import type { SchemaState, Table, Trigger } from "./schemaState.js";
import { applyConstraint, forgetColumn } from "./tableParts.js";
import { columnsOfType } from "./userTypes.js";
import { columnsIn, functionsIn, relationsIn } from "./walk.js";

/** Follows a change, so that the next one is judged against the schema it leaves. */
export function applyChange(state: SchemaState, change: Change): void {
  applyToTable(state, change);
  handle(handlers, change, state);
}

const handlers: Handlers<readonly [state: SchemaState]> = {
  createTable,
  createView,
  rename,
  setSchema,
  drop: (change, state) => forget[change.object]?.(state, change),
  createEnum({ type, values }, state) {
    const madeBy = state.migration;
    state.types.set(state.key(type), { kind: "enum", values: new Set(values), madeBy });
  },
  addEnumValue({ type, value }, state) {
    const known = state.type(type);
    if (known?.kind === "enum") known.values.add(value);
  },
  renameEnumValue({ type, from, to }, state) {
    const known = state.type(type);
    if (known?.kind === "enum" && known.values.delete(from)) known.values.add(to);
  },
  createDomain({ type, base, constrained }, state) {
    state.types.set(state.key(type), { kind: "domain", base, constrained, madeBy: state.migration });
  },
  alterDomain({ type, how }, state) {
    const known = state.type(type);
    if (known?.kind === "domain" && how !== "other") known.constrained = true;
  },
  createType({ type }, state) {
    state.types.set(state.key(type), { kind: "other", madeBy: state.migration });
  },
  createFunction(change, state) {
    state.functions.create(change, state.migration);
  },
  alterFunction({ name, nowVolatile }, state) {
    // What it was made as stays, where it is declared to be less: its body is the same.
    if (nowVolatile) for (const known of state.functions.named(name.name)) known.volatile = true;
  },
  createTrigger({ table, trigger }, state) {
    const on = state.table(table) ?? state.view(table) ?? newTable(state, table, -1);
    on.triggers.set(trigger.name, { ...trigger, madeBy: state.migration });
  },
  grant({ names, schemas }, state) {
    const named = new Set(names.map((name) => state.view(name)));
    for (const view of state.views.values()) view.granted ||= named.has(view) || schemas.includes(view.schema);
  },
  searchPath({ schemas }, state) {
    state.searchPath = schemas.length > 0 ? schemas : [state.defaultSchema];
  },
  timeZone({ zone }, state) {
    state.timeZone = zone;
  },
  opaque({ inner }, state) {
    for (const change of inner) applyChange(state, change);
    state.certain = false;
    // It may have put rows anywhere.
    for (const table of state.tables.values()) table.filled = true;
  },
};

/** What DROP takes out of the state. */
const forget: Readonly<Partial<Record<ObjectKind, (state: SchemaState, change: ChangeOf<"drop">) => void>>> = {
  table: forgetNamedTable,
  "foreign table": forgetNamedTable,
  view: forgetView,
  "materialized view": forgetView,
  index(state, { name }) {
    const found = state.index(name);
    found?.table.indexes.delete(found.index.name);
  },
  type(state, { name, cascade }) {
    if (cascade) forgetColumnsOfType(state, name);
    const key = state.find(name, state.types);
    if (key !== undefined) state.types.delete(key);
  },
  schema(state, { name: { name } }) {
    for (const table of [...state.tables.values()]) if (table.schema === name) forgetTable(state, table);
    for (const [key, view] of [...state.views]) if (view.schema === name) state.views.delete(key);
    for (const key of [...state.types.keys()]) if (key.startsWith(`${name}.`)) state.types.delete(key);
  },
  function(state, { name, signature }) {
    state.functions.drop(name.name, signature);
  },
  trigger: forgetTrigger,
  rule: forgetTrigger,
};

function forgetNamedTable(state: SchemaState, { name }: ChangeOf<"drop">): void {
  const table = state.table(name);
  if (table !== undefined) forgetTable(state, table);
}

function forgetView(state: SchemaState, { name }: ChangeOf<"drop">): void {
  const key = state.find(name, state.views);
  if (key !== undefined) state.views.delete(key);
}

function forgetTrigger(state: SchemaState, { name, table }: ChangeOf<"drop">): void {
  if (table !== undefined) (state.table(table) ?? state.view(table))?.triggers.delete(name.name);
}

function forgetTable(state: SchemaState, table: Table): void {
  state.tables.delete(`${table.schema}.${table.name}`);
  for (const partition of table.partitions) forgetTable(state, partition);
  for (const other of state.referencing(table)) other.table.constraints.delete(other.constraint.name);
  for (const view of state.viewsOn(table)) state.views.delete(`${view.schema}.${view.name}`);
}

function forgetColumnsOfType(state: SchemaState, type: Name): void {
  for (const { table, column } of columnsOfType(state, type)) forgetColumn(table, column.name);
}

function createTable(change: ChangeOf<"createTable">, state: SchemaState): void {
  if (change.ifNotExists && state.table(change.table) !== undefined) return;
  // Where the history is not whole, IF NOT EXISTS says that the table may be there, in whatever shape.
  const maybeThere = change.ifNotExists && !state.certain;
  // The rows of a foreign table are elsewhere, and were there before.
  const madeBy = maybeThere || change.foreign ? -1 : state.migration;
  const table = newTable(state, change.table, madeBy, change.partitioned);
  table.isDefault = change.isDefault;
  table.filled = change.filled;
  table.unlogged = change.unlogged;
  const sources = [...change.like, ...change.inherits, ...(change.partitionOf ? [change.partitionOf] : [])].map(
    (name) => state.table(name),
  );
  for (const source of sources) {
    for (const column of source?.columns.values() ?? []) table.columns.set(column.name, { ...column });
  }
  for (const spec of change.columns) {
    table.columns.set(spec.name, columnOf(state, spec));
    for (const name of functionsIn(spec.defaultValue)) table.rowCalls.add(name);
  }
  table.complete =
    !maybeThere && (change.complete || (sources.length > 0 && sources.every((source) => source?.complete === true)));
  for (const constraint of change.constraints) applyConstraint(state, table, constraint);
  for (const parent of [...change.inherits, ...(change.partitionOf ? [change.partitionOf] : [])])
    state.table(parent)?.partitions.add(table);
}

function createView(change: ChangeOf<"createView">, state: SchemaState): void {
  const columns = columnsIn(change.query);
  const reads = relationsIn(change.query).flatMap((name) => {
    const table = state.table(name);
    return table === undefined ? [] : [{ table, columns }];
  });
  const key = state.find(change.view, state.views) ?? state.key(change.view);
  const { madeBy, triggers, granted } = state.views.get(key) ?? {
    madeBy: state.migration,
    triggers: new Map<string, Trigger>(),
    granted: false,
  };
  const schema = key.slice(0, key.length - change.view.name.length - 1);
  const { materialized, definition } = change;
  state.views.set(key, { schema, name: change.view.name, materialized, definition, reads, madeBy, triggers, granted });
}
