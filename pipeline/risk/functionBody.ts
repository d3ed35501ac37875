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
  /** Tables that it changes rows of, as they are written. */
  readonly updates: readonly string[];
  /** Tables that it deletes rows of, as they are written. */
  readonly deletes: readonly string[];
  /** What it does is told by the others: it runs nothing that is put together, and its language is read here. */
  readonly told: boolean;
}

const unseen: FunctionBody = { acts: true, calls: [], sets: [], updates: [], deletes: [], told: false };

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
  let tokens: Token[];
  try {
    // Texts are kept as they are: no word in them counts.
    tokens = scanSync(text)
      .tokens.filter(({ tokenName }) => tokenName !== "SQL_COMMENT" && tokenName !== "C_COMMENT")
      .map(({ text: word }) => ({
        word: word.toLowerCase(),
        name: word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word.toLowerCase(),
        quoted: word.startsWith('"'),
        text: word,
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
  const after = (...words: readonly string[]) =>
    tokens.flatMap((_, at) =>
      words.every((word, by) => tokens[at + by]?.word === word) ? [nameAt(tokens, at + words.length)] : [],
    );
  const updates = tokens.flatMap(({ word }, at) => {
    const name = nameAt(tokens, at + 1);
    // FOR UPDATE, BEFORE UPDATE and their kind name no table.
    return word === "update" && tokens[at + 1 + 2 * name.split(".").length - 1]?.word === "set" ? [name] : [];
  });
  return {
    ...{ acts, calls: [...calls], sets: [...sets], updates },
    deletes: [...after("delete", "from"), ...after("truncate")],
    told: !tokens.some(({ word }) => word === "execute" || word === "call" || word === "copy" || word === "merge"),
  };
}

interface Token {
  /** In small letters. */
  readonly word: string;
  /** As a name: without quotes. */
  readonly name: string;
  readonly quoted: boolean;
  /** As it is written. */
  readonly text: string;
}

/** A name, with its schema or without, as it is written. */
function nameAt(tokens: readonly Token[], at: number): string {
  const [first, dot, second] = [tokens[at], tokens[at + 1], tokens[at + 2]];
  return dot?.word === "." && second !== undefined ? `${first?.text ?? ""}.${second.text}` : (first?.text ?? "");
}

/** A body that is parsed with its function (`RETURN …`, `BEGIN ATOMIC`). */
export function parsedBody(body: Node): FunctionBody {
  let acts = false;
  walk([body], (kind) => {
    if (["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "LockingClause"].includes(kind)) acts = true;
  });
  return { ...unseen, acts, calls: [...functionsIn(body)] };
}
