import type { ChangeOf } from "./change.js";
import type { Name } from "./names.js";
import type { SchemaState } from "./schemaState.js";
import { renameConstraint, renameIndex } from "./tableParts.js";
import { columnsOfType } from "./userTypes.js";

/** RENAME of a table, view, index, type or schema. */
export function rename({ object, from, to }: ChangeOf<"rename">, state: SchemaState): void {
  if (object === "schema") return moveSchema(state, from.name, to);
  if (object === "function") return state.functions.rename(from.name, to);
  if (object === "type") {
    return rekeyType(state, from, (key) => `${key.slice(0, key.length - from.name.length)}${to}`, to);
  }
  const table = state.table(from);
  const view = state.view(from);
  if (object !== "index" && table !== undefined) rekey(state.tables, table, { name: to });
  else if (object !== "index" && view !== undefined) rekey(state.views, view, { name: to });
  else {
    // ALTER TABLE renames an index too.
    const found = state.index(from);
    if (found === undefined) return;
    renameIndex(found.table, from.name, to);
    renameConstraint(found.table, from.name, to);
  }
}

export function setSchema({ object, from, schema }: ChangeOf<"setSchema">, state: SchemaState): void {
  const table = state.table(from);
  const view = state.view(from);
  if (object === "type") rekeyType(state, from, () => `${schema}.${from.name}`, from.name);
  else if (table !== undefined) rekey(state.tables, table, { schema });
  else if (view !== undefined) rekey(state.views, view, { schema });
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
