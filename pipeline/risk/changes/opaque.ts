import { parsePlPgSQLSync, parseSync } from "libpg-query";
import type { Node } from "libpg-query";
import type { Change, OpaqueHint } from "../change.js";

/**
 * A DO block. It is opaque whatever is in it, since what it runs depends on what it finds; but the statements that can be
 * read in it are followed, so that the history stays known and its effects are named.
 */
export function doBlock(args: readonly Node[] | undefined, read: (node: Node) => Change[]): Change {
  const options = (args ?? []).flatMap((node) => ("DefElem" in node ? [node.DefElem] : []));
  const text = (name: string) => {
    const value = options.find(({ defname }) => defname === name)?.arg;
    return value !== undefined && "String" in value ? value.String.sval : undefined;
  };
  const body = text("as") ?? "";
  const language = text("language") ?? "plpgsql";
  const statements = language === "plpgsql" ? staticStatements(body) : undefined;
  const inner = (statements?.sql ?? []).flatMap((sql) => readStatement(sql, read));
  return { kind: "opaque", what: "DO block", inner, hints: statements?.dynamic === false ? [] : hintsIn(body) };
}

function readStatement(sql: string, read: (node: Node) => Change[]): Change[] {
  try {
    return (parseSync(sql).stmts ?? []).flatMap(({ stmt }) => (stmt === undefined ? [] : read(stmt)));
  } catch {
    return [];
  }
}

/** SQL written out in a PL/pgSQL body; `dynamic`: something in it is put together while it runs. */
function staticStatements(body: string): { sql: string[]; dynamic: boolean } | undefined {
  const tag = dollarTag(body);
  let tree: unknown;
  try {
    tree = parsePlPgSQLSync(`CREATE FUNCTION f() RETURNS void AS ${tag}${body}${tag} LANGUAGE plpgsql`);
  } catch {
    return undefined;
  }
  const sql: string[] = [];
  let dynamic = false;
  visit(tree, (kind, fields) => {
    if (kind === "PLpgSQL_stmt_execsql" || kind === "PLpgSQL_stmt_perform")
      sql.push(queryOf(fields["sqlstmt"] ?? fields["expr"]));
    if (kind === "PLpgSQL_stmt_dynexecute" || kind === "PLpgSQL_stmt_dynfors") {
      const literal = stringLiteral(queryOf(fields["query"]));
      if (literal === undefined) dynamic = true;
      else sql.push(literal);
    }
  });
  return { sql, dynamic };
}

function dollarTag(body: string): string {
  let tag = "$body$";
  for (let count = 0; body.includes(tag); count += 1) tag = `$body${count}$`;
  return tag;
}

/** The text of an expression that is one string literal. */
function stringLiteral(expression: string): string | undefined {
  const match = /^\s*'((?:[^']|'')*)'\s*$/.exec(expression) ?? /^\s*\$(\w*)\$([\s\S]*)\$\1\$\s*$/.exec(expression);
  if (match === null) return undefined;
  return match.length === 3 ? match[2] : (match[1] ?? "").replaceAll("''", "'");
}

function queryOf(value: unknown): string {
  let query = "";
  visit(value, (kind, fields) => {
    if (kind === "PLpgSQL_expr" && typeof fields["query"] === "string") query = fields["query"];
  });
  return query;
}

function visit(value: unknown, each: (kind: string, fields: Readonly<Record<string, unknown>>) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, each);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner === "object" && inner !== null && key.startsWith("PLpgSQL")) {
      each(key, inner as Readonly<Record<string, unknown>>);
    }
    visit(inner, each);
  }
}

/** What a text that cannot be followed speaks of; rather too much than too little. */
export function hintsIn(text: string): OpaqueHint[] {
  const hints: OpaqueHint[] = [];
  if (/\bdrop\s+(table|column|schema|owned|type|extension|domain)\b|\bcascade\b|\bdrop\s+"/i.test(text))
    hints.push("drop");
  if (
    /\balter\s+column\b[\s\S]*\btype\b|\bset\s+(un)?logged\b|\badd\s+column\b[\s\S]*\b(default|generated|serial)\b/i.test(
      text,
    )
  ) {
    hints.push("rewrite");
  }
  return hints;
}
