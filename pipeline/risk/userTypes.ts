import type { Name } from "./names.js";
import type { Column, SchemaState, Table } from "./schemaState.js";

/** Columns of a type, which DROP TYPE … CASCADE takes with it. */
export function columnsOfType(state: SchemaState, type: Name): { table: Table; column: Column }[] {
  return [...state.tables.values()].flatMap((table) =>
    [...table.columns.values()].flatMap((column) => (column.type?.name === type.name ? [{ table, column }] : [])),
  );
}
