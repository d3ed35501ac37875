import type { ColumnType } from "./columnType.js";

/** What one cast does to the values and to the table, worst last. */
export type Outcome = "same" | "converts" | "may fail" | "loses";

export interface CastStep {
  readonly outcome: Outcome;
  /** PostgreSQL writes the table anew (`ATColumnChangeRequiresRewrite` in its source). */
  readonly rewrites: boolean;
  /** What becomes of the values, for people; empty where nothing does. */
  readonly why: string;
}

const none: CastStep = { outcome: "same", rewrites: false, why: "" };

function rewriting(outcome: Outcome, why = ""): CastStep {
  return { outcome, rewrites: true, why };
}

/** Of a cast that an expression writes out, which cuts in silence; an assignment refuses instead. */
export interface CastOptions {
  readonly explicit: boolean;
  /** Whether the session's time zone is UTC; `undefined`: not known. */
  readonly utc: boolean | undefined;
}

/**
 * What a cast from one built-in type to another does to a column. Where PostgreSQL simplifies the cast away it does not rewrite:
 * binary-coercible types, and a longer limit where the type has a support function (`varchar_support`, `numeric_support`,
 * `timestamp_support`). Held to PostgreSQL by a test that changes the type of a real column for each pair.
 */
export function castStep(from: ColumnType, to: ColumnType, options: CastOptions): CastStep {
  if (from.array !== to.array) return rewriting("may fail", "an array and a single value are not cast into each other");
  if (from.name === to.name) return sameType(from, to, options);
  if (isString(from.name) && isString(to.name)) return betweenStrings(from, to, options);
  if (isNumber(from.name) && isNumber(to.name)) return betweenNumbers(from, to);
  if (isTime(from.name) && isTime(to.name)) return betweenTimes(from, to, options);
  if (from.name === "xml" && isString(to.name) && to.name !== "citext" && to.modifiers.length === 0 && !to.array)
    return none;
  if (isString(to.name)) return toString(to, options);
  if (isString(from.name)) return fromString(to);
  return others(from, to);
}

const isString = (name: string) => ["text", "varchar", "bpchar", "citext"].includes(name);
const integers: readonly string[] = ["int2", "int4", "int8"];
const isNumber = (name: string) => [...integers, "numeric", "float4", "float8", "money"].includes(name);
const isTime = (name: string) => ["timestamp", "timestamptz", "date", "time", "timetz"].includes(name);

const cut = (explicit: boolean): CastStep =>
  explicit
    ? rewriting("loses", "the explicit cast cuts longer values in silence")
    : rewriting("may fail", "it fails on a value that is longer");

function sameType(from: ColumnType, to: ColumnType, { explicit }: CastOptions): CastStep {
  const [old] = from.modifiers;
  const [limit] = to.modifiers;
  if (from.modifiers.join() === to.modifiers.join()) return none;
  // The simplification is not made for the elements of an array.
  const widened = from.array && limit !== undefined ? rewriting("converts") : none;
  switch (from.name) {
    case "varchar":
    case "varbit":
      return limit === undefined || (old !== undefined && limit >= old) ? widened : cut(explicit);
    case "bpchar":
    case "bit":
      if (limit === undefined) return none;
      return old !== undefined && limit >= old && from.name === "bpchar" ? rewriting("converts") : cut(explicit);
    case "numeric":
      return numericStep(from.modifiers, to.modifiers, from.array);
    case "timestamp":
    case "timestamptz":
    case "time":
    case "timetz":
      return precisionStep(old, limit, from.array);
    default:
      return limit === undefined ? none : rewriting("loses", "the new precision may be smaller");
  }
}

function numericStep(old: readonly number[], limits: readonly number[], array: boolean): CastStep {
  const [precision, scale = 0] = limits;
  const [oldPrecision, oldScale = 0] = old;
  if (precision === undefined) return none;
  if (oldPrecision === undefined) return rewriting("loses", `digits after the ${scale}th decimal are rounded away`);
  if (scale < oldScale) return rewriting("loses", `values are rounded from ${oldScale} to ${scale} decimals`);
  if (precision - scale < oldPrecision - oldScale) return rewriting("may fail", "it fails on a value that is larger");
  return scale === oldScale && !array ? none : rewriting("converts");
}

/** Without a precision, six decimals of a second are kept. */
function precisionStep(old: number | undefined, limit: number | undefined, array = false): CastStep {
  if (limit === undefined) return none;
  if (limit < (old ?? 6))
    return rewriting("loses", `fractions of a second are rounded from ${old ?? 6} to ${limit} decimals`);
  return array ? rewriting("converts") : none;
}

function betweenStrings(from: ColumnType, to: ColumnType, { explicit }: CastOptions): CastStep {
  const [old] = from.modifiers;
  const [limit] = to.modifiers;
  const fromChar = from.name === "bpchar";
  if (limit !== undefined) {
    const fits = (from.name === "varchar" || fromChar) && old !== undefined && limit >= old;
    if (!fits) return cut(explicit);
    return rewriting("converts", to.name === "bpchar" ? "values are padded with blanks" : "");
  }
  if (fromChar) return rewriting("converts", "blanks at the end of a value are lost");
  const folds = (from.name === "citext") !== (to.name === "citext");
  if (folds && to.name === "citext") {
    return {
      outcome: "may fail",
      rewrites: false,
      why: "indexes are built anew, and a unique one fails on values that differ in case only",
    };
  }
  if (folds)
    return {
      outcome: "converts",
      rewrites: false,
      why: "indexes are built anew, and comparisons heed case from then on",
    };
  return from.array ? rewritingArray : none;
}

/** Measured: text[] to varchar[] and back is a rewrite although the elements' cast is none. */
const rewritingArray = rewriting("converts");

const digits: Readonly<Record<string, number>> = { int2: 5, int4: 10, int8: 19 };

function betweenNumbers(from: ColumnType, to: ColumnType): CastStep {
  const [precision, scale = 0] = to.modifiers;
  if (integers.includes(from.name) && integers.includes(to.name)) {
    return (digits[to.name] ?? 0) > (digits[from.name] ?? 0)
      ? rewriting("converts")
      : rewriting("may fail", "it fails on a value that is larger");
  }
  if (integers.includes(from.name)) {
    const has = digits[from.name] ?? 19;
    if (to.name === "numeric") {
      const fits = precision === undefined || precision - scale >= has;
      return fits ? rewriting("converts") : rewriting("may fail", "it fails on a value that is larger");
    }
    if (to.name === "money") return rewriting("may fail", "it fails on a value that is larger");
    const exact = to.name === "float8" ? 15 : 6;
    return has <= exact ? rewriting("converts") : rewriting("loses", `only about ${exact} digits are kept`);
  }
  if (integers.includes(to.name)) {
    if (from.name === "numeric" && from.modifiers.length > 0 && (from.modifiers[1] ?? 0) <= 0) {
      return rewriting("may fail", "it fails on a value that is larger");
    }
    return rewriting("loses", "fractions are rounded away");
  }
  if (from.name === "float4" && to.name === "float8") return rewriting("converts");
  if (from.name === "money" && to.name === "numeric" && (precision === undefined || scale >= 2))
    return rewriting("converts");
  return rewriting("loses", "digits beyond the new type's precision are rounded away");
}

function betweenTimes(from: ColumnType, to: ColumnType, { utc }: CastOptions): CastStep {
  const [old] = from.modifiers;
  const [limit] = to.modifiers;
  const pair = `${from.name} ${to.name}`;
  if (pair === "timestamp timestamptz" || pair === "timestamptz timestamp") {
    const precision = precisionStep(old, limit);
    if (precision.outcome === "loses") return precision;
    const shifted = utc === true ? "" : "values are read in the session's time zone";
    // The precision of the cast's result counts as not known, so that a limit is applied again, which rewrites.
    const rewrites = utc !== true || from.array || (limit !== undefined && limit < 6);
    return { outcome: rewrites ? "converts" : "same", rewrites, why: shifted };
  }
  if (from.name === "date") return rewriting("converts");
  if (pair === "time timetz")
    return precisionStep(old, limit).outcome === "loses" ? precisionStep(old, limit) : rewriting("converts");
  return rewriting("loses", to.name === "date" ? "the time of day is lost" : "part of the value is lost");
}

function toString(to: ColumnType, { explicit }: CastOptions): CastStep {
  return to.modifiers.length === 0 ? rewriting("converts") : cut(explicit);
}

function fromString(to: ColumnType): CastStep {
  if (to.name === "numeric" && to.modifiers.length > 0)
    return rewriting("loses", "digits beyond the scale are rounded away");
  if (to.name === "date") return rewriting("loses", "a time of day in the text is lost");
  return rewriting("may fail", `it fails on a text that is no ${to.name}`);
}

const lossless: ReadonlySet<string> = new Set(["json jsonb", "jsonb json", "bool int4", "bit varbit", "varbit bit"]);
const sameImage: ReadonlySet<string> = new Set([
  "cidr inet",
  "bit varbit",
  "int4 oid",
  "oid int4",
  "regclass oid",
  "oid regclass",
]);

function others(from: ColumnType, to: ColumnType): CastStep {
  const pair = `${from.name} ${to.name}`;
  if (sameImage.has(pair) && to.modifiers.length === 0 && !from.array) return none;
  if (pair === "json jsonb") return rewriting("converts", "the order of keys, repeated keys and white space are lost");
  if (lossless.has(pair)) return rewriting("converts");
  if (pair === "int4 bool" || pair === "inet cidr") return rewriting("loses", "different values become the same");
  return rewriting("may fail", "not every value has a counterpart in the new type");
}
