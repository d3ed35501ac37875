import pg from "pg";
import { type Column, type Image, columnText, columnValue, hasStableImage, withOneNaN } from "./columnImage.js";

/**
 * How the rows of a table are hashed. `chain-1` is how it is done; `record-send-1` was done before, and is still known so that
 * backups of then can be compared with what they restore to.
 */
export const algorithms = ["chain-1", "record-send-1"] as const;
export type Algorithm = (typeof algorithms)[number];

/**
 * The query that counts a table's rows and sums up their hashes.
 *
 * @param condition a WHERE clause, where not all of its rows count.
 */
export function fingerprintQuery(
  schema: string,
  table: string,
  columns: readonly Column[],
  image: Image = "exact",
  algorithm: Algorithm = "chain-1",
  condition: string | null = null,
): string {
  const name = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(table)}`;
  // As pg_dump reads them: the condition names the table as itself.
  const from = condition === null ? `ONLY ${name}` : `(SELECT * FROM ONLY ${name} ${condition})`;
  const hash = algorithm === "chain-1" ? rowHash(columns, image) : recordHash(columns, image);
  return `SELECT count(*)::text AS rows, coalesce(sum(${hash}), 0)::text AS hash FROM ${from} AS t`;
}

/** Columns in one chain: as many as an integer has bits for NULL, and few enough for PostgreSQL's stack. */
const chainLength = 31;

/**
 * The SQL expression of a row's hash, 64 bits. Each column's hash is the seed of the next one's, and which columns are NULL the
 * seed of the first: so the row is hashed as one piece. (A sum of hashes that are combined linearly, as `hash_record_extended`
 * does, stays as it is when two rows swap the values of a column.) Several chains are hashed as one record.
 *
 * Each function takes in every bit of its value: `hashint8extended` and those of the timestamps by themselves fold the
 * two halves of 64 bits onto each other, `hash_numeric_extended` knows neither sign nor scale.
 */
export function rowHash(columns: readonly Column[], image: Image): string {
  const chains: string[] = [];
  for (let from = 0; from < columns.length; from += chainLength)
    chains.push(chain(columns.slice(from, from + chainLength), image));
  const [first, ...more] = chains;
  if (first === undefined) return "0::int8";
  return more.length === 0 ? first : hashBytes(`pg_catalog.record_send(ROW(${chains.join(", ")}))`, "0");
}

function chain(columns: readonly Column[], image: Image): string {
  return columns.reduce((seed, column) => link(column, image, seed), `(${nullMask(columns)})::int8`);
}

/** Which columns are NULL, a bit each; one that is known to hold none is left out, which leaves its bit 0. */
function nullMask(columns: readonly Column[]): string {
  const bits = columns.flatMap((column, at) => {
    if (column.notNull) return [];
    // Of a record with nothing but NULL in it, `IS NULL` is true as well, and it is another value.
    return [`CASE WHEN t.${pg.escapeIdentifier(column.name)} IS NOT DISTINCT FROM NULL THEN ${2 ** at} ELSE 0 END`];
  });
  return bits.length === 0 ? "0" : bits.join(" + ");
}

/** The hash of a column's value on top of those before it; of NULL, which the mask tells, that of some value. */
function link(column: Column, image: Image, seed: string): string {
  const orElse = (expression: string, value: string) =>
    column.notNull ? expression : `coalesce(${expression}, ${value})`;
  // In the collation "C" each byte counts.
  const hashText = (text: string) => `pg_catalog.hashtextextended((${orElse(text, "''")}) COLLATE "C", ${seed})`;
  const text = () => hashText(columnText(column));
  if (image === "text") return text();
  const value = columnValue(column);
  const nan = withOneNaN(column);
  const { name, send, length } = column.type;
  if (nan !== undefined && send !== undefined) return hashText(hex(send, nan));
  if (!hasStableImage(column.type) || send === undefined) return text();
  switch (name) {
    case "bool":
    case "int2":
    case "int4":
      return `pg_catalog.hashint4extended(${orElse(`${value}::int4`, "0")}, ${seed})`;
    case "int8": {
      const high = `pg_catalog.hashint4extended(${orElse(`(${value} >> 32)::int4`, "0")}, ${seed})`;
      return `pg_catalog.hashint8extended(${orElse(value, "0")}, ${high})`;
    }
    case "uuid":
      return `pg_catalog.uuid_hash_extended(${orElse(value, "'00000000-0000-0000-0000-000000000000'")}, ${seed})`;
    case "text":
    case "varchar":
      return hashText(`${value}::text`);
    case "bpchar":
    case "numeric":
      return text();
    default:
      // A value of a fixed length is short, and then hexadecimal digits cost less than an array.
      return length > 0 ? hashText(hex(send, value)) : hashBytes(orElse(`${send}(${value})`, "''"), seed);
  }
}

function hex(send: string, value: string): string {
  return `pg_catalog.encode(${send}(${value}), 'hex')`;
}

/** `bytea` has a hash function of its own from version 18 on; that of an array with one element is there in every one. */
function hashBytes(bytes: string, seed: string): string {
  return `pg_catalog.hash_array_extended(ARRAY[${bytes}], ${seed})`;
}

/** As `record-send-1` did it: the row's binary image as one byte string. */
function recordHash(columns: readonly Column[], image: Image): string {
  const images = columns.map((column) => {
    if (image === "text") return columnText(column);
    return hasStableImage(column.type) ? columnValue(column) : (withOneNaN(column) ?? columnText(column));
  });
  return `pg_catalog.hash_array_extended(ARRAY[pg_catalog.record_send(ROW(${images.join(", ")}))], 0)`;
}
