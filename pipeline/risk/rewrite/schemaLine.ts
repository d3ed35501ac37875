import type { PrismaType } from "./prismaType.js";

/** A field's line in its parts; what is not changed is put together again as it was. */
interface FieldLine {
  readonly name: string;
  readonly gap: string;
  readonly type: string;
  /** `?`, `[]` or empty. */
  readonly arity: string;
  readonly attributes: string;
  /** The comment at its end, with the white space before it. */
  readonly comment: string;
}

function parse(line: string): FieldLine | undefined {
  const found = /^(\w+)(\s+)(Unsupported\("[^"]*"\)|\w+)(\?|\[\])?/.exec(line);
  if (found === null) return undefined;
  const rest = line.slice(found[0].length);
  const comment = commentOf(rest);
  return {
    name: found[1] ?? "",
    gap: found[2] ?? " ",
    type: found[3] ?? "",
    arity: found[4] ?? "",
    attributes: rest.slice(0, rest.length - comment.length),
    comment,
  };
}

/** The comment at the end of a line, with the white space before it; a `//` within quotes is none. */
function commentOf(text: string): string {
  const bare = text.replace(/"(?:\\.|[^"\\])*"/g, (quoted) => "x".repeat(quoted.length));
  const at = /\s*\/\//.exec(bare)?.index;
  return at === undefined ? "" : text.slice(at);
}

function write({ name, gap, type, arity, attributes, comment }: FieldLine): string {
  return `${name}${gap}${type}${arity}${attributes}${comment}`.trimEnd();
}

/** The field as another type, or optional. A list stays one. */
export function withType(line: string, type: PrismaType | undefined, required: boolean | undefined): string {
  const field = parse(line);
  if (field === undefined) return line;
  const optional = required === undefined || field.arity === "[]" ? field.arity : required ? "" : "?";
  if (type === undefined) return write({ ...field, arity: optional });
  const without = field.attributes.replace(/\s*@db\.\w+(?:\([^)]*\))?/, "");
  const attributes = type.native === "" ? without : `${without} ${type.native}`;
  return write({ ...field, type: type.name, arity: optional, attributes });
}

const unique = /\s*@unique\b(\((?:[^()"]|"[^"]*")*\))?/;

/** The name of the index that a field's `@unique` gives, if it has one. */
export function uniqueOf(line: string): { readonly map: string | undefined } | undefined {
  const found = unique.exec(parse(line)?.attributes ?? "");
  return found === null ? undefined : { map: mapOf(found[1] ?? "") };
}

export function withoutUnique(line: string): string {
  const field = parse(line);
  return field === undefined ? line : write({ ...field, attributes: field.attributes.replace(unique, "") });
}

/** What `@@index` and `@@unique` say: fields in order, and the name they give. */
export function indexOf(
  line: string,
): { readonly unique: boolean; readonly fields: readonly string[]; readonly map: string | undefined } | undefined {
  const found = /^@@(index|unique)\((?:fields:\s*)?\[([^\]]*)\](.*)$/.exec(line);
  if (found === null) return undefined;
  const fields = [...(found[2] ?? "").matchAll(/(\w+)\s*(?:\((?:[^()"]|"[^"]*"|\([^()]*\))*\))?\s*(?:,|$)/g)].map(
    ([, name = ""]) => name,
  );
  return { unique: found[1] === "unique", fields, map: mapOf(found[3] ?? "") };
}

function mapOf(text: string): string | undefined {
  return /\bmap:\s*"([^"]*)"/.exec(text)?.[1];
}

/** The value that a line of an enum stands for in the database. */
export function enumValueOf(line: string): string | undefined {
  const found = /^(\w+)(?:\s+@map\((?:name:\s*)?"([^"]*)"\))?/.exec(line);
  return found === null ? undefined : (found[2] ?? found[1]);
}
