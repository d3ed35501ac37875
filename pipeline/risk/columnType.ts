import type { TypeName } from "libpg-query";
import { strings } from "./names.js";

/** The type of a column as the catalog has it. */
export interface ColumnType {
  /** The catalog's name: `int4`, `varchar`; of another schema than pg_catalog only where `schema` says so. */
  readonly name: string;
  readonly schema?: string;
  /** `varchar(10)`: [10]; `numeric(8,2)`: [8, 2]. */
  readonly modifiers: readonly number[];
  readonly array: boolean;
}

const serials: Readonly<Record<string, string>> = {
  serial: "int4",
  serial4: "int4",
  bigserial: "int8",
  serial8: "int8",
  smallserial: "int2",
  serial2: "int2",
};

/** Names that the grammar leaves as they were written. */
const aliases: Readonly<Record<string, string>> = { decimal: "numeric", int: "int4", integer: "int4" };

/** `undefined` where a statement leaves the type out. */
export function columnType(type: TypeName | undefined): ColumnType | undefined {
  if (type === undefined) return undefined;
  const parts = strings(type.names);
  const written = parts.at(-1) ?? "";
  const name = (parts.length === 1 ? (serials[written] ?? aliases[written]) : undefined) ?? written;
  const schema = parts.length > 1 && parts[0] !== "pg_catalog" ? parts[0] : undefined;
  const modifiers = (type.typmods ?? []).flatMap((node) =>
    "A_Const" in node && node.A_Const.ival !== undefined ? [node.A_Const.ival.ival ?? 0] : [],
  );
  return {
    name,
    ...(schema === undefined ? {} : { schema }),
    modifiers: withDefaults(name, modifiers),
    array: (type.arrayBounds ?? []).length > 0,
  };
}

/** `numeric(8)` is numeric(8,0); `char` is char(1), which the grammar already says. */
function withDefaults(name: string, modifiers: readonly number[]): readonly number[] {
  return name === "numeric" && modifiers.length === 1 ? [...modifiers, 0] : modifiers;
}

/** `serial` and its kind: an integer with a sequence behind it. */
export function isSerial(type: TypeName | undefined): boolean {
  const parts = strings(type?.names);
  return parts.length === 1 && Object.hasOwn(serials, parts[0] ?? "");
}

const shown: Readonly<Record<string, string>> = {
  int2: "smallint",
  int4: "integer",
  int8: "bigint",
  float4: "real",
  float8: "double precision",
  bool: "boolean",
  bpchar: "char",
};

export function showType(type: ColumnType): string {
  const name = shown[type.name] ?? type.name;
  const modifiers = type.modifiers.length > 0 ? `(${type.modifiers.join(",")})` : "";
  return `${name}${modifiers}${type.array ? "[]" : ""}`;
}
