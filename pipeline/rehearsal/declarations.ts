import { scanSync } from "libpg-query";
import { lineOf } from "../prisma/plan.js";

/** What a migration may do to data that is there: change values, drop what holds them, delete rows. */
export type Effect = "changes" | "drops" | "deletes";

/** One name of a comment such as `-- changes: "Order".total`. */
export interface Declaration {
  readonly effect: Effect;
  /** Parts of the name without their quotes, `*` for all columns: `["Order", "total"]`. */
  readonly parts: readonly Part[];
  /** As it is written. */
  readonly text: string;
  readonly line: number;
}

export interface Part {
  readonly name: string;
  /** Written in double quotes; otherwise case does not matter, as in SQL. */
  readonly quoted: boolean;
}

const words = "changes|drops|deletes";
const head = new RegExp(`^--\\s*(${words})\\s*:(.*)$`, "is");
/** A name and what follows it: a comma, or the end. */
const part = /^\s*(?:"((?:[^"]|"")+)"|([\p{L}_][\p{L}\p{N}_$]*)|(\*))\s*(\.|,|$)/u;

/**
 * What a migration declares that it does to data, in comments of its file:
 *
 *     -- changes: "Order".total, shop.users.email     values of a column; "Order".* for all of a table
 *     -- drops: users.phone, old_carts                a column that holds values, or a table that holds rows
 *     -- deletes: sessions                            rows of a table
 *
 * PostgreSQL's scanner tells what is a comment. `loadParser` must have been awaited.
 */
export function declarationsOf(sql: string): Declaration[] {
  return headed(sql).flatMap(({ effect, line, names = [] }) => names.map((name) => ({ effect, line, ...name })));
}

/**
 * Comments that begin as a declaration does and name nothing that can be read. They may be prose (`-- Changes:` above a list), in files
 * that can no longer be edited, and declare nothing; whoever meant them as a declaration has to be told.
 */
export function unreadableDeclarations(sql: string): { readonly text: string; readonly line: number }[] {
  return headed(sql).flatMap(({ text, line, names }) => (names === undefined ? [{ text, line }] : []));
}

function headed(sql: string) {
  return commentsOf(sql, words).flatMap(({ text, line }) => {
    const [, effect, names] = head.exec(text) ?? [];
    if (effect === undefined || names === undefined) return [];
    return [{ effect: effect.toLowerCase() as Effect, text, line, names: parseNames(names) }];
  });
}

/** The comments of a file, none where no comment begins with one of these words (`changes|drops`) and a colon. */
export function commentsOf(sql: string, headed: string): { readonly text: string; readonly line: number }[] {
  if (!new RegExp(`--\\s*(?:${headed})\\s*:`, "i").test(sql)) return [];
  try {
    return scanSync(sql)
      .tokens.filter(({ tokenName }) => tokenName === "SQL_COMMENT")
      .map(({ text, start }) => ({ text: text.trimEnd(), line: lineOf(sql, unitsOfBytes(sql, start)) }));
  } catch {
    // The server will say what is wrong with the file.
    return [];
  }
}

function unitsOfBytes(sql: string, bytes: number): number {
  return Buffer.from(sql, "utf8").subarray(0, bytes).toString("utf8").length;
}

/** The names of a list such as `"Order".total, users.email`; `undefined` where it cannot be read. */
export function parseNames(names: string): Pick<Declaration, "parts" | "text">[] | undefined {
  const parsed: Pick<Declaration, "parts" | "text">[] = [];
  let rest = names;
  let parts: Part[] = [];
  let text = "";
  for (;;) {
    const [whole, quoted, plain, all, end] = part.exec(rest) ?? [];
    if (whole === undefined) return undefined;
    rest = rest.slice(whole.length);
    text += whole.replace(/,$/, "").trim();
    const name = quoted?.replaceAll('""', '"') ?? plain ?? all ?? "";
    parts.push({ name, quoted: quoted !== undefined });
    if (end === ".") continue;
    if (parts.length > 3 || parts.slice(0, -1).some((each) => !each.quoted && each.name === "*")) return undefined;
    parsed.push({ parts, text });
    if (end === "") return parsed;
    [parts, text] = [[], ""];
  }
}

/** What a declaration is held against: a table or a column, under each name that it had. */
export interface Named {
  readonly schema: string;
  readonly table: string;
  readonly column?: string;
}

/** Whether a declaration means this table or column. */
export function means({ parts }: Pick<Declaration, "parts">, { schema, table, column }: Named): boolean {
  const wanted = column === undefined ? [schema, table] : [schema, table, column];
  const least = column === undefined ? 1 : 2;
  if (parts.length < least || parts.length > wanted.length) return false;
  const compared = wanted.slice(-parts.length);
  return parts.every((each, at) => {
    const name = compared[at] ?? "";
    if (!each.quoted && each.name === "*") return column !== undefined && at === parts.length - 1;
    return each.quoted ? each.name === name : each.name.toLowerCase() === name.toLowerCase();
  });
}
