import { type ColumnType, showType } from "../columnType.js";

/** How Prisma writes PostgreSQL's own types (Prisma's documentation, "PostgreSQL type mapping"); a second word is `@db.…`. */
const written: Readonly<Record<string, readonly [string, string?]>> = {
  text: ["String"],
  varchar: ["String", "VarChar"],
  bpchar: ["String", "Char"],
  bit: ["String", "Bit"],
  varbit: ["String", "VarBit"],
  uuid: ["String", "Uuid"],
  xml: ["String", "Xml"],
  inet: ["String", "Inet"],
  citext: ["String", "Citext"],
  bool: ["Boolean"],
  int2: ["Int", "SmallInt"],
  int4: ["Int"],
  oid: ["Int", "Oid"],
  int8: ["BigInt"],
  float4: ["Float", "Real"],
  float8: ["Float"],
  numeric: ["Decimal", "Decimal"],
  money: ["Decimal", "Money"],
  timestamp: ["DateTime", "Timestamp"],
  timestamptz: ["DateTime", "Timestamptz"],
  date: ["DateTime", "Date"],
  time: ["DateTime", "Time"],
  timetz: ["DateTime", "Timetz"],
  json: ["Json", "Json"],
  jsonb: ["Json"],
  bytea: ["Bytes"],
};

/** Types whose precision is six digits where none is written. */
const timed = new Set(["timestamp", "timestamptz", "time", "timetz"]);

/** A column's type in a Prisma schema. */
export interface PrismaType {
  /** `Int`, an enum's name, `Unsupported("…")`. */
  readonly name: string;
  /** `@db.VarChar(20)`, or empty. */
  readonly native: string;
}

/** @param enums names of the schema's enums, by the name that the database has. */
export function prismaType(type: ColumnType, enums: ReadonlyMap<string, string>): PrismaType {
  const known = type.schema === undefined || type.schema === "pg_catalog" ? written[type.name] : undefined;
  const ownEnum = enums.get(type.name);
  if (known === undefined)
    return { name: ownEnum ?? `Unsupported("${showType({ ...type, array: false })}")`, native: "" };
  const [name, native] = known;
  const numbers = timed.has(type.name) && type.modifiers.length === 0 ? [6] : type.modifiers;
  const list = numbers.length === 0 ? "" : `(${numbers.join(", ")})`;
  // What Prisma means where nothing is written.
  const usual = (type.name === "timestamp" && list === "(3)") || (type.name === "numeric" && list === "(65, 30)");
  return { name, native: native === undefined || usual ? "" : `@db.${native}${list}` };
}
