import { z } from "zod";
import { algorithms } from "./rowHash.js";

/** A fingerprint says what is in a database in a few bytes a table, so that two databases can be compared apart from each other. */
const tableFingerprint = z.strictObject({
  schema: z.string(),
  name: z.string(),
  rows: z.int().min(0),
  /** Sum of the rows' 64-bit hashes, as a decimal number: independent of their order, dependent on how often each is there. */
  hash: z.string().regex(/^-?\d+$/),
  /** The columns that were hashed, in the order in which they were. */
  columns: z.array(z.string()),
  /** The extension that made it and says that its rows are data. Backups that were made before this was known have no such tables. */
  extension: z.string().optional(),
  /** Of a partition: the partitioned table at the top, `public.orders`. Absent in backups that were made before this was known. */
  partOf: z.string().optional(),
});
export type TableFingerprint = z.infer<typeof tableFingerprint>;

const sequenceFingerprint = z.strictObject({
  schema: z.string(),
  name: z.string(),
  last: z.string().regex(/^-?\d+$/),
  called: z.boolean(),
  increment: z.string().regex(/^-?\d+$/),
  cycles: z.boolean(),
});
export type SequenceFingerprint = z.infer<typeof sequenceFingerprint>;

export const fingerprintsSchema = z.strictObject({
  /** How the hashes were made; those of different algorithms are never compared. */
  algorithm: z.enum(algorithms),
  image: z.enum(["exact", "text"]),
  tables: z.array(tableFingerprint),
  largeObjects: z.strictObject({ count: z.int(), hash: z.string() }),
  sequences: z.array(sequenceFingerprint),
  /** Not hashed: they are computed again by a restore. */
  materializedViews: z.array(z.strictObject({ schema: z.string(), name: z.string(), populated: z.boolean() })),
});
export type Fingerprints = z.infer<typeof fingerprintsSchema>;

export interface Difference {
  readonly kind: "table" | "columns" | "rows" | "values" | "largeObjects" | "sequence" | "materializedView";
  /** What differs, as a person writes it: `public.orders`. */
  readonly object: string;
  /** In what it differs, as a clause: "has 3 rows, expected 4". */
  readonly message: string;
}

/**
 * What differs between two fingerprints. A sequence may be ahead (numbers are handed out outside of transactions), never
 * behind: it would hand out a number twice.
 */
export function compareFingerprints(expected: Fingerprints, actual: Fingerprints): Difference[] {
  if (expected.image !== actual.image || expected.algorithm !== actual.algorithm)
    throw new Error("fingerprints that were made in different ways cannot be compared");
  return [
    ...compareTables(expected.tables, actual.tables),
    ...compareLargeObjects(expected.largeObjects, actual.largeObjects),
    ...compareSequences(expected.sequences, actual.sequences),
    ...compareViews(expected.materializedViews, actual.materializedViews),
  ];
}

const nameOf = ({ schema, name }: { schema: string; name: string }) => `${schema}.${name}`;
/** A key that two different pairs never share, whatever their names hold. */
const keyOf = ({ schema, name }: { schema: string; name: string }) => JSON.stringify([schema, name]);

function compareTables(expected: readonly TableFingerprint[], actual: readonly TableFingerprint[]): Difference[] {
  const rest = new Map(actual.map((table) => [keyOf(table), table]));
  const differences: Difference[] = [];
  for (const table of expected) {
    const object = nameOf(table);
    const other = rest.get(keyOf(table));
    rest.delete(keyOf(table));
    if (other === undefined) differences.push({ kind: "table", object, message: "is missing" });
    else if (JSON.stringify(table.columns) !== JSON.stringify(other.columns))
      differences.push({ kind: "columns", object, message: columnsMessage(table.columns, other.columns) });
    else if (table.rows !== other.rows)
      differences.push({ kind: "rows", object, message: `has ${other.rows} rows, expected ${table.rows}` });
    else if (table.hash !== other.hash)
      differences.push({ kind: "values", object, message: `has other values in its ${table.rows} rows` });
  }
  for (const table of rest.values())
    if (table.extension === undefined)
      differences.push({ kind: "table", object: nameOf(table), message: "was not expected" });
  return differences;
}

function columnsMessage(expected: readonly string[], actual: readonly string[]): string {
  const missing = expected.filter((name) => !actual.includes(name));
  const extra = actual.filter((name) => !expected.includes(name));
  const parts = [
    ...(missing.length > 0 ? [`lacks the columns ${missing.join(", ")}`] : []),
    ...(extra.length > 0 ? [`has the unexpected columns ${extra.join(", ")}`] : []),
  ];
  return parts.length > 0 ? parts.join(" and ") : "has its columns in another order";
}

function compareLargeObjects(
  expected: Fingerprints["largeObjects"],
  actual: Fingerprints["largeObjects"],
): Difference[] {
  const object = "large objects";
  if (expected.count !== actual.count)
    return [{ kind: "largeObjects", object, message: `are ${actual.count}, expected ${expected.count}` }];
  return expected.hash === actual.hash
    ? []
    : [{ kind: "largeObjects", object, message: `have other contents or numbers, ${expected.count} of them` }];
}

function compareSequences(
  expected: readonly SequenceFingerprint[],
  actual: readonly SequenceFingerprint[],
): Difference[] {
  const others = new Map(actual.map((sequence) => [keyOf(sequence), sequence]));
  return expected.flatMap((sequence): Difference[] => {
    const object = nameOf(sequence);
    const other = others.get(keyOf(sequence));
    if (other === undefined) return [{ kind: "sequence", object, message: "is missing" }];
    if (sequence.cycles || !isBehind(other, sequence)) return [];
    return [{ kind: "sequence", object, message: `is behind: at ${other.last}, expected ${sequence.last} or further` }];
  });
}

/** Without the tables and sequences of an extension: a copy that it is left out of has none. */
export function withoutExtension(fingerprints: Fingerprints, extension: string): Fingerprints {
  const own = fingerprints.tables.filter((table) => table.extension === extension);
  const schemas = new Set(own.map(({ schema }) => schema));
  return {
    ...fingerprints,
    tables: fingerprints.tables.filter((table) => !own.includes(table)),
    sequences:
      own.length === 0 ? fingerprints.sequences : fingerprints.sequences.filter(({ schema }) => !schemas.has(schema)),
  };
}

export function isBehind(actual: SequenceFingerprint, expected: SequenceFingerprint): boolean {
  const direction = BigInt(expected.increment) < 0n ? -1n : 1n;
  const ahead = (BigInt(actual.last) - BigInt(expected.last)) * direction;
  return ahead < 0n || (ahead === 0n && expected.called && !actual.called);
}

function compareViews(
  expected: Fingerprints["materializedViews"],
  actual: Fingerprints["materializedViews"],
): Difference[] {
  const others = new Map(actual.map((view) => [keyOf(view), view]));
  return expected.flatMap((view): Difference[] => {
    const kind = "materializedView";
    const other = others.get(keyOf(view));
    if (other === undefined) return [{ kind, object: nameOf(view), message: "is missing" }];
    if (other.populated === view.populated) return [];
    return [
      { kind, object: nameOf(view), message: view.populated ? "was not refreshed" : "is populated, expected not" },
    ];
  });
}
