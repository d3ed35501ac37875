import { functionsIn } from "./walk.js";
import type { ColumnSpec } from "./change.js";
import { constantText } from "./defaultValue.js";
import type { Name } from "./names.js";
import type { Column, SchemaState, Table } from "./schemaState.js";

/** Puts a table without columns into the state. `madeBy`: number of the migration; -1: was there before the history. */
export function newTable(state: SchemaState, name: Name, madeBy: number, partitioned = false): Table {
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
    partitioned,
    isDefault: false,
    triggers: new Map(),
    filled: false,
    rowCalls: new Set(),
    unlogged: false,
    madeBy,
  };
  state.tables.set(key, table);
  return table;
}

export function columnOf(state: SchemaState, spec: ColumnSpec): Column {
  return {
    name: spec.name,
    type: spec.type,
    notNull: spec.notNull,
    hasDefault: spec.defaultValue !== undefined || spec.serial || spec.identity || spec.generated !== undefined,
    defaultText: constantText(spec.defaultValue),
    generated: spec.generated,
    computed: spec.serial || spec.identity || functionsIn(spec.defaultValue).size > 0,
    madeBy: state.migration,
  };
}
