import pg from "pg";

/** A column, with what of its type decides how its value is hashed. */
export interface Column {
  readonly name: string;
  /** The type, domains taken down to what they are made of. */
  readonly type: ColumnType;
  /** The SQL name of the base type, where the column is of a domain; else undefined. */
  readonly domainOver?: string;
}

export interface ColumnType {
  readonly oid: number;
  readonly name: string;
  /** `pg_type.typtype`. */
  readonly kind: string;
  readonly hasSend: boolean;
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
  if (type.oid >= fixedOids || !type.hasSend || !["b", "r", "m"].includes(type.kind)) return false;
  if (throughText.test(type.name)) return false;
  return type.element === undefined || (type.element.oid < fixedOids && !throughText.test(type.element.name));
}

/** `exact`: two values are equal if their images are, to the last bit. `text`: if they are written the same. */
export type Image = "exact" | "text";

/** The SQL expression of what is hashed for one column of the table called `t`. */
export function columnImage(column: Column, image: Image = "exact"): string {
  const plain = `t.${pg.escapeIdentifier(column.name)}`;
  const value = column.domainOver === undefined ? plain : `${plain}::${column.domainOver}`;
  if (image === "exact") {
    if (hasStableImage(column.type)) return value;
    // One image for every NaN, at a twentieth of the cost of text.
    if (column.type.name === "float8" && column.type.oid < fixedOids)
      return `CASE WHEN ${value} = 'NaN'::float8 THEN 'NaN'::float8 ELSE ${value} END`;
    if (column.type.name === "float4" && column.type.oid < fixedOids)
      return `CASE WHEN ${value} = 'NaN'::float4 THEN 'NaN'::float4 ELSE ${value} END`;
  }
  // The output function and not a cast: a user's own cast to text may lose.
  return `pg_catalog.textin(${column.type.output}(${value}))`;
}

/**
 * The query that counts a table's rows and sums up their hashes.
 *
 * `hash_record_extended` combines the hashes of the columns linearly (`31 h + e`), so a value of a column that two rows swap
 * leaves its sum as it was; it also takes `1.0` and `1.00`, or `-0` and `0`, for equal. Hence a row's whole binary image
 * is hashed as one byte string. `hash_array_extended` of one element is the hash of that element with 64 bits, and is
 * there in every version from 11.
 */
export function fingerprintQuery(schema: string, table: string, columns: readonly Column[], image?: Image): string {
  const row = columns.map((column) => columnImage(column, image)).join(", ");
  const from = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(table)}`;
  return (
    `SELECT count(*)::text AS rows, coalesce(sum(pg_catalog.hash_array_extended(` +
    `ARRAY[pg_catalog.record_send(ROW(${row}))], 0)), 0)::text AS hash FROM ONLY ${from} AS t`
  );
}
