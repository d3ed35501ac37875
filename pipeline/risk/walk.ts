import type { Node } from "libpg-query";

type Fields = Readonly<Record<string, unknown>>;

/** Calls `visit` with the kind and the fields of every node in a parse tree, outermost first. */
export function walk(value: unknown, visit: (kind: string, fields: Fields) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner !== "object" || inner === null) continue;
    // A node is an object under the capital name of its kind; fields are in small letters.
    if (/^[A-Z]/.test(key)) visit(key, inner as Fields);
    walk(inner, visit);
  }
}

function stringsIn(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly Node[]).flatMap((node) => ("String" in node ? [node.String.sval ?? ""] : []));
}

/** Last part of every column that is named in an expression; `*` where all are. */
export function columnsIn(expression: unknown): Set<string> {
  const columns = new Set<string>();
  walk(expression, (kind, fields) => {
    if (kind === "ColumnRef") columns.add(stringsIn(fields["fields"]).at(-1) ?? "*");
    if (kind === "A_Star") columns.add("*");
  });
  return columns;
}

/** Last part of every name of several parts in an expression: a column, or a function of the row (`u.total` is `total(u)`). */
export function attributesIn(expression: unknown): Set<string> {
  const attributes = new Set<string>();
  walk(expression, (kind, fields) => {
    const parts = kind === "ColumnRef" ? stringsIn(fields["fields"]) : [];
    const last = parts.length > 1 ? parts.at(-1) : undefined;
    if (last !== undefined) attributes.add(last);
  });
  return attributes;
}

/** Every function that an expression or statement calls, as `schema.name` or `name`. */
export function functionsIn(expression: unknown): Set<string> {
  const functions = new Set<string>();
  walk(expression, (kind, fields) => {
    if (kind !== "FuncCall") return;
    const parts = stringsIn(fields["funcname"]);
    functions.add((parts[0] === "pg_catalog" ? parts.slice(1) : parts).join("."));
  });
  return functions;
}

/** Every relation that a statement reads or writes, as it is written. */
export function relationsIn(statement: unknown): { schema?: string; name: string }[] {
  const relations: { schema?: string; name: string }[] = [];
  walk(statement, (kind, fields) => {
    const { relname, schemaname } = fields;
    if (kind !== "RangeVar" || typeof relname !== "string") return;
    relations.push(typeof schemaname === "string" ? { schema: schemaname, name: relname } : { name: relname });
  });
  return relations;
}

/** Columns that cannot be null where a CHECK holds: `a IS NOT NULL AND …`. */
export function notNullColumns(check: Node | undefined): string[] {
  if (check === undefined) return [];
  if ("BoolExpr" in check && check.BoolExpr.boolop === "AND_EXPR") {
    return (check.BoolExpr.args ?? []).flatMap((part) => notNullColumns(part));
  }
  if ("NullTest" in check && check.NullTest.nulltesttype === "IS_NOT_NULL") {
    const { arg } = check.NullTest;
    if (arg !== undefined && "ColumnRef" in arg) return stringsIn(arg.ColumnRef.fields).slice(-1);
  }
  return [];
}

/** The same for statements that are written the same, apart from white space and where they stand. */
export function fingerprint(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) =>
    /^(location|stmt_location|stmt_len)$/.test(key) ? undefined : inner,
  );
}
