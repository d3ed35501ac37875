import pg from "pg";
import { messageOf } from "../errors.js";

/** What PostgreSQL said about a script, and where in it. */
export interface SqlErrorReport {
  readonly sqlState: string | undefined;
  /** PostgreSQL's message with its detail, hint and context, a line each. */
  readonly message: string;
  /** Line and column in the file, from 1, where PostgreSQL told a position or the statement is known. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** The lines of the file with a caret under the place; empty where the place is not known. */
  readonly excerpt: string;
}

/** A place in a script, in UTF-16 units from its start. */
export interface Place {
  readonly offset: number;
  /** PostgreSQL pointed there; otherwise it is the start of the statement that failed. */
  readonly exact: boolean;
}

/**
 * Describes an error of PostgreSQL with line, column and a caret.
 *
 * @param statementOffset where the statement starts that failed, for errors that have no position of their own (a
 * constraint that is violated, a lock that is not had); `undefined` where it is not known.
 */
export function describeSqlError(error: unknown, script: string, statementOffset?: number): SqlErrorReport {
  const place = placeOf(error, script, statementOffset);
  const lines = place === undefined ? [] : script.slice(0, place.offset).split("\n");
  const line = place === undefined ? undefined : lines.length;
  const column = place === undefined ? undefined : Array.from(lines.at(-1) ?? "").length + 1;
  return {
    sqlState: error instanceof pg.DatabaseError ? error.code : undefined,
    message: explain(error),
    line,
    column,
    excerpt: line === undefined || column === undefined ? "" : excerptOf(script, line, column),
  };
}

function placeOf(error: unknown, script: string, statementOffset: number | undefined): Place | undefined {
  const position = error instanceof pg.DatabaseError ? Number(error.position) : Number.NaN;
  // `position` counts characters from 1 in the text that was sent; JavaScript counts UTF-16 units.
  if (position >= 1) {
    return {
      offset: Array.from(script)
        .slice(0, position - 1)
        .join("").length,
      exact: true,
    };
  }
  return statementOffset === undefined ? undefined : { offset: statementOffset, exact: false };
}

function excerptOf(script: string, line: number, column: number): string {
  const lines = script.split("\n").map((text) => text.replace(/\r$/, ""));
  const first = Math.max(1, line - 2);
  const width = String(line).length;
  const shown = lines.slice(first - 1, line).map((text, at) => `${String(first + at).padStart(width)} | ${text}`);
  // Tabs stay tabs, so that the caret stands where the eye looks.
  const lead = Array.from(lines[line - 1] ?? "")
    .slice(0, column - 1)
    .map((character) => (character === "\t" ? "\t" : " "))
    .join("");
  return [...shown, `${" ".repeat(width)} | ${lead}^`].join("\n");
}

function explain(error: unknown): string {
  if (!(error instanceof pg.DatabaseError)) return messageOf(error);
  const extra = [
    error.detail === undefined ? undefined : `Detail: ${error.detail}`,
    error.hint === undefined ? undefined : `Hint: ${error.hint}`,
    error.where === undefined ? undefined : `Context: ${error.where}`,
    advice[error.code ?? ""],
  ];
  return [error.message, ...extra.filter((line) => line !== undefined)].join("\n");
}

/** What to do about errors that come from how migrations run. */
const advice: Readonly<Record<string, string>> = {
  "55P04":
    "A value added to an enum can be used only after the transaction that added it: move ALTER TYPE ... ADD VALUE into a migration of its own, before this one.",
  "55P03": "The lock was not free within lock_timeout; the migration gave up so that nobody waits behind it.",
  "25001":
    'This statement cannot run in a transaction: put it alone into a migration of its own, or head the file with "-- no-transaction".',
  "2D000":
    'A procedure that commits cannot run in a transaction: put its CALL alone into a migration headed with "-- no-transaction".',
};
