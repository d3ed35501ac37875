import { scanSync } from "libpg-query";
import type { Node } from "libpg-query";
import { functionsIn, walk } from "./walk.js";

/** What can be seen of a function's body without running it. */
export interface FunctionBody {
  /** It may write, lock, or run what is put together while it runs; or it is in a language that is not read here. */
  readonly acts: boolean;
  /** Functions that it may call, as `schema.name` or `name`. */
  readonly calls: readonly string[];
  /** Columns of the row that a trigger is fired for which it sets: `NEW.a := …`. */
  readonly sets: readonly string[];
}

const unseen: FunctionBody = { acts: true, calls: [], sets: [] };

/** Words that begin what a body does to anything but its own variables and the row that it is given. */
const acting: ReadonlySet<string> = new Set(
  `alter analyze call cluster comment copy create delete discard do drop execute grant import insert listen load lock
   merge move notify prepare refresh reindex reset revoke set share truncate update vacuum`.split(/\s+/),
);

/** Words before a bracket that call nothing. */
const notCalls: ReadonlySet<string> = new Set(
  `all and any array as between case check cast coalesce else elsif end exists filter for from grouping greatest group having if in
   interval is join lateral least like ilike limit loop not nullif of on or order over partition raise return row select similar
   some then treat union using values when where while with within`.split(/\s+/),
);

/** After these a statement of PL/pgSQL begins. */
const starts: ReadonlySet<string> = new Set([";", "begin", "then", "else", "loop"]);

/**
 * Reads a body by PostgreSQL's scanner: its words outside of texts and comments. Rather too much than too little is taken for an
 * act, so that a body which does not act certainly does not. `loadParser` must have been awaited.
 */
export function bodyOf(language: string, text: string): FunctionBody {
  if (language !== "sql" && language !== "plpgsql") return unseen;
  let tokens: { readonly word: string; readonly name: string; readonly quoted: boolean }[];
  try {
    // Texts are kept as they are: no word in them counts.
    tokens = scanSync(text)
      .tokens.filter(({ tokenName }) => tokenName !== "SQL_COMMENT" && tokenName !== "C_COMMENT")
      .map(({ text: word }) => ({
        word: word.toLowerCase(),
        name: word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word.toLowerCase(),
        quoted: word.startsWith('"'),
      }));
  } catch {
    return unseen;
  }
  const calls = new Set<string>();
  const sets = new Set<string>();
  let acts = false;
  tokens.forEach(({ word, name, quoted }, at) => {
    const [next, before, first, earlier] = [tokens[at + 1], tokens[at - 1], tokens[at - 2], tokens[at - 3]];
    // INTO names a variable in PL/pgSQL, and a new table in SQL.
    if ((acting.has(word) || (word === "into" && language === "sql")) && before?.word !== ".") acts = true;
    if (next?.word === "(" && (quoted || (/^[\p{L}_]/u.test(word) && !notCalls.has(word)))) {
      calls.add(before?.word === "." && first !== undefined ? `${first.name}.${name}` : name);
    }
    if (before?.word !== "." || first?.word !== "new") return;
    if (next?.word === ":=" || (next?.word === "=" && starts.has(earlier?.word ?? ""))) sets.add(name);
  });
  return { acts, calls: [...calls], sets: [...sets] };
}

/** A body that is parsed with its function (`RETURN …`, `BEGIN ATOMIC`). */
export function parsedBody(body: Node): FunctionBody {
  let acts = false;
  walk([body], (kind) => {
    if (["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "LockingClause"].includes(kind)) acts = true;
  });
  return { acts, calls: [...functionsIn(body)], sets: [] };
}
