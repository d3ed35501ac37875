import { scanSync } from "libpg-query";
import type { Change } from "../change.js";
import { changesOf } from "../changes/index.js";
import type { ParsedStatement } from "../statements.js";

/** One thing that a statement does, with the SQL that does it alone. */
export interface Clause {
  readonly sql: string;
  readonly change: Change;
}

/**
 * The parts of a statement, each as a statement of its own: `ALTER TABLE a ADD b int, DROP c` is two. A statement that cannot be
 * taken apart is one, with the changes that it makes.
 */
export function clausesOf(statement: ParsedStatement): Clause[] {
  const all = changesOf(statement);
  // What it reads and calls is part of what it does.
  const main = all.filter(({ kind }) => kind !== "readRows" && kind !== "callsFunctions");
  const changes = main.length > 0 ? main : all.slice(0, 1);
  const [only] = changes;
  const whole = `${statement.text.replace(/;\s*$/, "")};`;
  if (only === undefined) return [];
  if (changes.length === 1) return [{ sql: whole, change: only }];
  const parts =
    statement.node !== undefined && "AlterTableStmt" in statement.node ? partsOf(statement.text) : undefined;
  // Taken as a whole, it is left as it is: nothing below looks into an opaque change.
  if (parts?.length !== changes.length) {
    return [{ sql: whole, change: { kind: "opaque", what: "several changes", inner: changes, hints: [] } }];
  }
  return changes.map((change, at) => ({ sql: `${parts[at] ?? ""};`, change }));
}

/** Head and clauses of ALTER TABLE, cut at the commas outside brackets that PostgreSQL's scanner sees. */
function partsOf(statement: string): string[] | undefined {
  const { tokens } = scanSync(statement);
  // The scanner counts bytes of UTF-8.
  const bytes = Buffer.from(statement.replace(/;\s*$/, ""), "utf8");
  const text = (from: number, to: number) => bytes.subarray(from, to).toString("utf8").trim();
  const word = (at: number) => tokens[at]?.text.toUpperCase();
  // ALTER TABLE [IF EXISTS] [ONLY] name [*]
  let at = 2;
  if (word(at) === "IF") at += 2;
  if (word(at) === "ONLY") at += 1;
  at += 1;
  while (word(at) === ".") at += 2;
  if (word(at) === "*") at += 1;
  const start = tokens[at]?.start;
  if (word(1) !== "TABLE" || start === undefined) return undefined;
  const cuts: number[] = [];
  let depth = 0;
  for (const token of tokens.slice(at)) {
    if (token.text === "(" || token.text === "[") depth += 1;
    else if (token.text === ")" || token.text === "]") depth -= 1;
    else if (token.text === "," && depth === 0) cuts.push(token.start);
  }
  const head = text(0, start);
  return [...cuts, bytes.length].map(
    (end, part) => `${head} ${text(part === 0 ? start : (cuts[part - 1] ?? 0) + 1, end)}`,
  );
}
