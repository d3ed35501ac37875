import pg from "pg";

/** A column, with what of its type decides how its value is hashed. */
export interface Column {
  readonly name: string;
  /** The type, domains taken down to what they are made of. */
  readonly type: ColumnType;
  /** The SQL name of the base type, where the column is of a domain; else undefined. */
  readonly domainOver?: string;
  /** Known to hold no NULL. */
  readonly notNull: boolean;
}

export interface ColumnType {
  readonly oid: number;
  readonly name: string;
  /** `pg_type.typtype`. */
  readonly kind: string;
  /** `pg_type.typlen`: bytes of each value, negative where they vary. */
  readonly length: number;
  /** Qualified and quoted name of the function that gives the binary image, where the type has one. */
  readonly send: string | undefined;
  /** Qualified and quoted name of the type's output function. */
  readonly output: string;
  /** The element's type where the type is a true array. */
  readonly element?: { readonly oid: number; readonly name: string };
}

/** Types with object identifiers up to here are the same number in every version and every cluster (`transam.h`). */
const fixedOids = 10_000;

/**
 * Built-in types whose binary image is not the same after dump and restore although the value is:
 * - floating point inside: NaN has many bit patterns, of which text keeps one (Infinity − Infinity has its sign bit set);
 * - reg…: numbers of objects, which are created anew.
 */
const throughText = /^(float4|float8|point|lseg|path|box|polygon|line|circle|reg.+|aclitem)$/;

/** Whether a type's own binary image can be compared between two databases. */
export function hasStableImage(type: ColumnType): boolean {
  if (type.oid >= fixedOids || type.send === undefined || !["b", "r", "m"].includes(type.kind)) return false;
  if (throughText.test(type.name)) return false;
  return type.element === undefined || (type.element.oid < fixedOids && !throughText.test(type.element.name));
}

/** `exact`: two values are equal if their images are, to the last bit. `text`: if they are written the same. */
export type Image = "exact" | "text";

/** The SQL expression of a column of the table called `t`, as its base type. */
export function columnValue({ name, domainOver }: Column): string {
  const plain = `t.${pg.escapeIdentifier(name)}`;
  return domainOver === undefined ? plain : `${plain}::${domainOver}`;
}

/** The value as its output function writes it; not by a cast, since a user's own cast to text may lose. */
export function columnText(column: Column): string {
  return `pg_catalog.textin(${column.type.output}(${columnValue(column)}))`;
}

/** The value with one image for every NaN, at a twentieth of the cost of text; undefined for other types. */
export function withOneNaN({ type, ...column }: Column): string | undefined {
  if (type.oid >= fixedOids || (type.name !== "float8" && type.name !== "float4")) return undefined;
  const value = columnValue({ type, ...column });
  const nan = `'NaN'::${type.name}`;
  return `CASE WHEN ${value} = ${nan} THEN ${nan} ELSE ${value} END`;
}
