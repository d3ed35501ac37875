import { hasSqlDetails, loadModule, parseSync } from "libpg-query";
import type { Node, ParseResult, TransactionStmt, TransactionStmtKind } from "libpg-query";
import { findClientOnly } from "./clientOnly.js";
import { unitsOf } from "./codePoints.js";
import { cannotRunInTransaction } from "./nonTransactional.js";

/** One statement of a migration file. */
export interface Statement {
  readonly text: string;
  /** Where it starts in the file, in UTF-16 units. */
  readonly offset: number;
  readonly node: Node;
}

/** How a migration file is sent to the server. */
export type ScriptPlan =
  | {
      /** The whole file in one transaction. */
      readonly kind: "transaction";
      /** The file, its own plain BEGIN and COMMIT blanked out (positions stay as they are). */
      readonly script: string;
      /** Empty where the parser does not know the syntax; the server then judges. */
      readonly statements: readonly Statement[];
      /** The parser saw every statement, so that nothing in the file can end the transaction. */
      readonly parsed: boolean;
    }
  /** One statement that refuses to run in a transaction, by itself. */
  | { readonly kind: "alone"; readonly statement: Statement }
  /** Statement by statement, each for itself, because the file says `-- no-transaction`. */
  | { readonly kind: "statements"; readonly statements: readonly Statement[] }
  /** The file manages transactions itself and says `-- no-transaction`, sets them up, or needs several; sent as it is. */
  | { readonly kind: "own-transaction"; readonly statements: readonly Statement[] }
  | {
      readonly kind: "refused";
      readonly reason: string;
      readonly remedy: string;
      readonly statements: readonly Statement[];
    };

let parserLoaded = false;

/** Loads PostgreSQL's parser, a WebAssembly module; once for each process. */
export async function loadParser(): Promise<void> {
  await loadModule();
  parserLoaded = true;
}

/** Comment at the head of a migration file by which its author gives up that it is applied whole or not at all. */
const optOut = /^--\s*no-transaction\b/i;

/**
 * Decides how a migration file is run so that, wherever PostgreSQL can do it, it is applied whole or not at all.
 * PostgreSQL's own parser reads the file; what it cannot read (the syntax of a newer server) is tried in a transaction.
 * {@link loadParser} must have been awaited before (`readMigrations` does).
 */
export function planScript(sql: string): ScriptPlan {
  // Without it every file would look like one that the parser cannot read.
  if (!parserLoaded) throw new Error("planScript was called before loadParser");
  const { statements, errorAt } = parse(sql);
  const clientOnly = findClientOnly(sql, statements, errorAt);
  if (clientOnly !== undefined) {
    const { offset, what, remedy } = clientOnly;
    return { kind: "refused", reason: `line ${lineOf(sql, offset)}: ${what}`, remedy, statements: [] };
  }
  if (errorAt !== undefined) return { kind: "transaction", script: sql, statements: [], parsed: false };

  const barred = statements.flatMap((statement) => {
    const what = cannotRunInTransaction(statement.node);
    return what === undefined ? [] : [{ statement, what }];
  });
  const own = statements.filter(({ node }) => "TransactionStmt" in node);
  const optedOut = saysNoTransaction(sql);
  const [first] = barred;

  if (first !== undefined) {
    if (statements.length === 1) return { kind: "alone", statement: first.statement };
    if (optedOut && own.length === 0) return { kind: "statements", statements };
    const line = lineOf(sql, first.statement.offset);
    return {
      kind: "refused",
      statements,
      reason: `line ${line}: ${first.what} cannot run in a transaction, and the file holds other statements that would be left applied if it failed`,
      remedy:
        own.length > 0
          ? `Move that statement into a migration of its own, or take BEGIN and COMMIT out and head the file with "-- no-transaction".`
          : `Move that statement into a migration of its own, or head the file with "-- no-transaction" to have its statements run one by one, without rollback.`,
    };
  }
  if (own.length === 0) {
    if (optedOut && statements.length > 0) return { kind: "statements", statements };
    // Sent at once, several statements are one transaction all the same.
    if (statements.some(setsUpTransaction)) return { kind: "own-transaction", statements };
    return { kind: "transaction", script: sql, statements, parsed: true };
  }
  const open = leftOpen(statements);
  if (open !== undefined) {
    return {
      kind: "refused",
      statements,
      reason: `line ${lineOf(sql, open.offset)}: this transaction is still open where the file ends; PostgreSQL would roll it back, and the migration would count as applied`,
      remedy: "End the file with COMMIT, or take BEGIN out: a migration runs in one transaction anyway.",
    };
  }
  if (!optedOut && plainPairs(own) && !statements.some(addsEnumValue) && !statements.some(setsUpTransaction)) {
    const rest = statements.filter(({ node }) => !("TransactionStmt" in node));
    return { kind: "transaction", script: blank(sql, own), statements: rest, parsed: true };
  }
  return { kind: "own-transaction", statements };
}

/** Number of the line, from 1, that holds this position. */
export function lineOf(sql: string, offset: number): number {
  return sql.slice(0, offset).split("\n").length;
}

interface Parsed {
  readonly statements: readonly Statement[];
  /** Where PostgreSQL's parser (version 18) could not go on, in UTF-16 units; there are then no statements. */
  readonly errorAt: number | undefined;
}

function parse(sql: string): Parsed {
  const bytes = Buffer.from(sql, "utf8");
  const parsed = parseStatements(sql);
  if (typeof parsed === "number") return { statements: [], errorAt: parsed };
  // From statement to statement: counting from the start for each would take minutes for a file of many thousand.
  let [counted, units] = [0, 0];
  const statements = (parsed ?? []).map(({ stmt, stmt_location = 0, stmt_len }) => {
    units += bytes.toString("utf8", counted, stmt_location).length;
    counted = stmt_location;
    const raw = bytes.toString("utf8", stmt_location, stmt_len ? stmt_location + stmt_len : undefined);
    const lead = leadingBlank(raw);
    return { text: raw.slice(lead).trimEnd(), offset: units + lead, node: stmt ?? ({} as Node) };
  });
  return { statements, errorAt: undefined };
}

/** What the parser reads, or where it stops. */
function parseStatements(sql: string): ParseResult["stmts"] | number {
  // The parser refuses a text without a character; a text of comments only has no statement. (`trim` would take a BOM, too.)
  if (/^[ \t\r\n\f]*$/.test(sql)) return [];
  try {
    return parseSync(sql).stmts ?? [];
  } catch (error) {
    return hasSqlDetails(error) ? unitsOf(sql, error.sqlDetails?.cursorPosition ?? 0) : 0;
  }
}

/** Length of the white space and comments before a statement. */
function leadingBlank(text: string): number {
  return /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(text)?.[0].length ?? 0;
}

function saysNoTransaction(sql: string): boolean {
  for (const line of sql.split("\n").map((text) => text.trim())) {
    if (optOut.test(line)) return true;
    if (line !== "" && !line.startsWith("--")) return false;
  }
  return false;
}

/** The statement that began a transaction in which others follow, and which none of them ends. */
function leftOpen(statements: readonly Statement[]): Statement | undefined {
  let open: Statement | undefined;
  let used = false;
  for (const statement of statements) {
    if (!("TransactionStmt" in statement.node)) {
      used ||= open !== undefined;
      continue;
    }
    const { kind, chain } = statement.node.TransactionStmt;
    if (kind === "TRANS_STMT_BEGIN" || kind === "TRANS_STMT_START") open ??= statement;
    else if (endsTransaction(statement)) [open, used] = [chain === true ? statement : undefined, false];
  }
  return used ? open : undefined;
}

const ends: ReadonlySet<TransactionStmtKind> = new Set([
  "TRANS_STMT_COMMIT",
  "TRANS_STMT_ROLLBACK",
  "TRANS_STMT_PREPARE",
]);

/** Whether what was done before this statement no longer depends on what comes after it. */
export function endsTransaction({ node }: Statement): boolean {
  return "TransactionStmt" in node && node.TransactionStmt.kind !== undefined && ends.has(node.TransactionStmt.kind);
}

/** BEGIN and COMMIT in turns, without options; Prisma itself writes them round the swap of an enum. */
function plainPairs(own: readonly Statement[]): boolean {
  const kinds = own.map(({ node }) => ("TransactionStmt" in node ? plainKind(node.TransactionStmt) : undefined));
  const marks = kinds.filter((kind) => kind !== "savepoint");
  return marks.length % 2 === 0 && marks.every((kind, at) => kind === (at % 2 === 0 ? "begin" : "commit"));
}

function plainKind(statement: TransactionStmt): "begin" | "commit" | "savepoint" | undefined {
  if ((statement.options ?? []).length > 0 || statement.chain === true) return undefined;
  return statement.kind === undefined ? undefined : plainKinds[statement.kind];
}

const plainKinds: Readonly<Partial<Record<TransactionStmtKind, "begin" | "commit" | "savepoint">>> = {
  TRANS_STMT_BEGIN: "begin",
  TRANS_STMT_START: "begin",
  TRANS_STMT_COMMIT: "commit",
  TRANS_STMT_SAVEPOINT: "savepoint",
  TRANS_STMT_RELEASE: "savepoint",
  TRANS_STMT_ROLLBACK_TO: "savepoint",
};

/** A new value of an enum may be used only after the transaction that added it. */
function addsEnumValue({ node }: Statement): boolean {
  return "AlterEnumStmt" in node && node.AlterEnumStmt.newVal !== undefined && node.AlterEnumStmt.oldVal === undefined;
}

/** `SET TRANSACTION …`: the isolation level must be set before any query, also those that would mark a transaction of ours. */
function setsUpTransaction({ node }: Statement): boolean {
  return (
    "VariableSetStmt" in node &&
    node.VariableSetStmt.kind === "VAR_SET_MULTI" &&
    node.VariableSetStmt.name === "TRANSACTION"
  );
}

function blank(sql: string, statements: readonly Statement[]): string {
  const pieces: string[] = [];
  let done = 0;
  for (const { text, node, offset } of statements) {
    const savepoint = "TransactionStmt" in node && plainKind(node.TransactionStmt) === "savepoint";
    if (savepoint) continue;
    pieces.push(sql.slice(done, offset), text.replace(/[^\n]/g, " "));
    done = offset + text.length;
  }
  return [...pieces, sql.slice(done)].join("");
}
