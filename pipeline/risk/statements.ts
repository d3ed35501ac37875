import { parseSync, scanSync } from "libpg-query";
import type { Node } from "libpg-query";

/** One statement of a migration file; without a node where PostgreSQL's parser cannot read it. */
export interface ParsedStatement {
  readonly node?: Node;
  readonly text: string;
  /** Number of the line, from 1, on which it begins. */
  readonly line: number;
  /** The parser's message, where it cannot read the statement. */
  readonly problem?: string;
}

/**
 * The statements of an SQL text. What PostgreSQL's parser cannot read is one statement without a node; the statements around
 * it are still read, so that their risks are seen. `loadParser` must have been awaited before.
 */
export function statementsOf(sql: string): ParsedStatement[] {
  // The parser stops at a NUL as if the text ended there.
  if (sql.includes("\0")) return [{ text: sql, line: 1, problem: "the file holds a NUL character" }];
  if (sql.trim() === "") return [];
  const undecoded = undecodedIn(sql);
  if (undecoded !== undefined) {
    // The server is sent the same, and refuses it or takes another name; what can be read of it is still told.
    return [...statementsOf(sql.replaceAll(/\ufeff|\ufffd/g, (mark) => (mark === "\ufeff" ? "" : "?"))), undecoded];
  }
  try {
    return parse(sql, 1);
  } catch (error) {
    return piecewise(sql, reasonOf(error));
  }
}

/** A text that is not the UTF-8 that PostgreSQL is sent. */
function undecodedIn(sql: string): ParsedStatement | undefined {
  if (sql.startsWith("\ufeff")) {
    return { text: "", line: 1, problem: "the file begins with a byte order mark, a syntax error to PostgreSQL" };
  }
  const at = sql.indexOf("\ufffd");
  if (at === -1) return undefined;
  return { text: "", line: 1 + newlines(sql, 0, at), problem: "the file is not UTF-8" };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function parse(sql: string, firstLine: number): ParsedStatement[] {
  const source = textWithBytes(sql);
  let line = firstLine;
  let counted = 0;
  return (parseSync(sql).stmts ?? []).map(({ stmt, stmt_location = 0, stmt_len }) => {
    const raw = source(stmt_location, stmt_len ? stmt_location + stmt_len : undefined);
    const start = raw.start + leadingBlank(raw.text);
    line += newlines(sql, counted, start);
    counted = start;
    return { text: sql.slice(start, raw.start + raw.text.length).trimEnd(), line, ...(stmt ? { node: stmt } : {}) };
  });
}

/** The parser counts bytes of UTF-8, JavaScript UTF-16 units; they are the same in a text of ASCII alone. */
function textWithBytes(sql: string): (from: number, to?: number) => { text: string; start: number } {
  if (!/[\u0080-\uffff]/.test(sql)) return (from, to) => ({ text: sql.slice(from, to), start: from });
  const bytes = Buffer.from(sql, "utf8");
  return (from, to) => ({
    text: bytes.subarray(from, to).toString("utf8"),
    start: bytes.subarray(0, from).toString("utf8").length,
  });
}

/** Length of the white space and comments before a statement. */
function leadingBlank(text: string): number {
  return /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(text)?.[0].length ?? 0;
}

function newlines(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf("\n", from); at !== -1 && at < to; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}

/** Cut at the semicolons that PostgreSQL's scanner sees, each piece is read by itself. */
function piecewise(sql: string, problem: string): ParsedStatement[] {
  const cuts = semicolons(sql);
  if (cuts === undefined) return [{ text: sql, line: 1, problem }];
  const ends = [...cuts, sql.length];
  const pieces = ends.map((end, at) => ({
    from: at === 0 ? 0 : (ends[at - 1] ?? 0),
    text: sql.slice(ends[at - 1] ?? 0, end),
  }));
  const read = pieces.flatMap(({ from, text }) => {
    if (text.slice(leadingBlank(text)).replaceAll(";", "").trim() === "") return [];
    const line = 1 + newlines(sql, 0, from);
    try {
      return parse(text, line);
    } catch (error) {
      const lead = leadingBlank(text);
      return [{ text: text.slice(lead).trim(), line: line + newlines(text, 0, lead), problem: reasonOf(error) }];
    }
  });
  // The whole could not be read, so neither may it look as if all of it could.
  return read.some((statement) => statement.problem !== undefined) ? read : [...read, { text: sql, line: 1, problem }];
}

function semicolons(sql: string): number[] | undefined {
  try {
    const textFrom = textWithBytes(sql);
    return scanSync(sql)
      .tokens.filter(({ text }) => text === ";")
      .map(({ end }) => textFrom(end).start);
  } catch {
    return undefined;
  }
}
