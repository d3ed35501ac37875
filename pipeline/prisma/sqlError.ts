import pg from "pg";
import { messageOf } from "../errors.js";
import { charactersOf, unitsOf } from "./codePoints.js";
import { excerptOf } from "./excerpt.js";

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
  const before = place === undefined ? undefined : script.slice(0, place.offset);
  const line = before === undefined ? undefined : before.split("\n").length;
  const lastLine = before?.slice(before.lastIndexOf("\n") + 1) ?? "";
  const column = before === undefined ? undefined : charactersOf(lastLine, lastLine.length) + 1;
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
  const offset = position >= 1 ? unitsOf(script, position - 1) : undefined;
  if (offset !== undefined && !isInComment(script, offset)) return { offset, exact: true };
  return statementOffset === undefined ? undefined : { offset: statementOffset, exact: false };
}

/**
 * No error is in a comment: PostgreSQL then counted in a text of its own, such as the definition of an index that ALTER COLUMN TYPE makes
 * again.
 */
function isInComment(script: string, offset: number): boolean {
  return script
    .slice(script.lastIndexOf("\n", offset - 1) + 1, offset + 2)
    .trimStart()
    .startsWith("--");
}

function explain(error: unknown): string {
  if (!(error instanceof pg.DatabaseError)) return messageOf(error);
  const extra = [
    error.detail === undefined ? undefined : `Detail: ${error.detail}`,
    error.hint === undefined ? undefined : `Hint: ${error.hint}`,
    error.where === undefined ? undefined : `Context: ${error.where}`,
    adviceFor(error),
  ];
  return [error.message, ...extra.filter((line) => line !== undefined)].join("\n");
}

function adviceFor({ code = "", message }: pg.DatabaseError): string | undefined {
  const extension = /^permission denied to create extension "(.*)"$/.exec(message)?.[1];
  if (extension !== undefined) {
    const name = pg.escapeIdentifier(extension);
    return (
      "Migrations run as the role that owns the database, which is no superuser. Make the extension once, as a superuser, in this " +
      `database: CREATE EXTENSION IF NOT EXISTS ${name}; and let the migration say CREATE EXTENSION IF NOT EXISTS ${name} too.`
    );
  }
  // The same SQLSTATE is that of a cancellation by a person.
  if (code === "57014" && message.includes("statement timeout")) {
    return (
      "It ran longer than one statement may: raise migrate.statementTimeoutMs in the configuration (for one that is in nobody's way, as " +
      "CREATE INDEX CONCURRENTLY, VALIDATE CONSTRAINT and VACUUM are: migrate.concurrentTimeoutMs; 0: no limit), or put SET LOCAL " +
      "statement_timeout = 0; at the head of this migration."
    );
  }
  // The same SQLSTATE, of what PostgreSQL wants at the very beginning of a transaction.
  if (code === "25001" && message.startsWith("SET TRANSACTION"))
    return "Put it first: at the head of the file, or right after a BEGIN that is.";
  return advice[code];
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
