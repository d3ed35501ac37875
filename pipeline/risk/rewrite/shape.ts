import type { ColumnType } from "../columnType.js";
import type { SchemaState } from "../schemaState.js";

/** What Prisma sees of a database, as plain data: columns, indexes and enums. */
export interface Shape {
  /** By `schema.table`. */
  readonly tables: ReadonlyMap<string, ShapeTable>;
  /** Values by `schema.name`. */
  readonly enums: ReadonlyMap<string, readonly string[]>;
}

export interface ShapeTable {
  readonly columns: ReadonlyMap<string, { readonly type: ColumnType | undefined; readonly notNull: boolean }>;
  /** Those over columns alone, by name. */
  readonly indexes: ReadonlyMap<string, { readonly unique: boolean; readonly keys: readonly string[] }>;
}

/** A copy: the state itself goes on with the next migration. */
export function shapeOf(state: SchemaState): Shape {
  return {
    tables: new Map(
      [...state.tables].map(([key, table]): [string, ShapeTable] => [
        key,
        {
          columns: new Map([...table.columns].map(([name, { type, notNull }]) => [name, { type, notNull }])),
          indexes: new Map(
            [...table.indexes].flatMap(([name, { unique, keys }]) =>
              keys === undefined ? [] : [[name, { unique, keys: [...keys] }] as const],
            ),
          ),
        },
      ]),
    ),
    enums: new Map(
      [...state.types].flatMap(([key, type]) => (type.kind === "enum" ? [[key, [...type.values]] as const] : [])),
    ),
  };
}
