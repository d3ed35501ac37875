import { z } from "zod";
import { storeKinds } from "./cloud.js";
import { databaseKinds } from "./database.js";
import { nearest } from "./nearest.js";
import type { sections } from "./sections.js";

type Own = Readonly<Record<string, unknown>>;
type Sections = typeof sections;

/** Keys whose values are secrets: a message does not repeat them. */
const secretKeys = new Set<PropertyKey>(["privateKey", "hostPrivateKey"]);

/** A mistake in words: its key, what is allowed, what it is. */
export function describeIssue(issue: z.core.$ZodIssue, own: Own, known: Sections): string[] {
  const path = issue.path.join(".");
  const value = valueAt(own, issue.path);
  if (issue.code === "unrecognized_keys") {
    const keys = knownKeys(issue.path, own, known);
    return issue.keys.map((key) => {
      const near = nearest(key, keys);
      const hint = near === undefined ? "" : `, did you mean ${near}?`;
      return `${[...issue.path, key].join(".")}: unknown key${hint} (known here: ${keys.join(", ")})`;
    });
  }
  const kinds = { "database.kind": databaseKinds, "store.kind": storeKinds }[path];
  if (kinds !== undefined) return [`${path}: one of ${Object.keys(kinds).join(", ")} (it is ${JSON.stringify(value)})`];
  const shown =
    value === undefined || issue.path.some((key) => secretKeys.has(key)) ? "" : ` (it is ${JSON.stringify(value)})`;
  return [`${path}: ${issue.message}${shown}`];
}

function valueAt(own: Own, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
    own,
  );
}

function knownKeys([section, ...below]: readonly PropertyKey[], own: Own, sections: Sections): string[] {
  if (section === undefined) return Object.keys(sections);
  const kinds: Readonly<Record<string, z.ZodObject>> | undefined =
    section === "database" ? databaseKinds : section === "store" ? storeKinds : undefined;
  const kind = valueAt(own, [section, "kind"]);
  const start: z.ZodType | undefined =
    kinds === undefined
      ? sections[section as keyof Sections]
      : kinds[typeof kind === "string" ? kind : (Object.keys(kinds)[0] ?? "")];
  const found = below.reduce<z.ZodType | undefined>((at, key) => {
    const inner = unwrap(at);
    return inner instanceof z.ZodObject ? (inner.shape as Record<PropertyKey, z.ZodType>)[key] : inner;
  }, start);
  const inner = unwrap(found);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** The type behind defaults, options and the elements of a list. */
function unwrap(type: z.ZodType | undefined): z.ZodType | undefined {
  if (type instanceof z.ZodPrefault || type instanceof z.ZodDefault || type instanceof z.ZodOptional)
    return unwrap(type.unwrap() as z.ZodType);
  return type instanceof z.ZodArray ? unwrap(type.element as z.ZodType) : type;
}
