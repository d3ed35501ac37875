import type { Node } from "libpg-query";

/** Why a file that `psql` would run is none that can be sent to the server, and what to do about it. */
export interface ClientOnly {
  /** Where it is, in UTF-16 units. */
  readonly offset: number;
  readonly what: string;
  readonly remedy: string;
}

const copyRemedy =
  "Write the rows as INSERT statements; or let COPY read a file on the server (COPY … FROM '/path'), which takes the right to do so.";

/**
 * Finds what a client program would have to do before or while the server reads the file: a byte order mark, psql's own commands
 * (pg_dump writes `\restrict` since 2025), and rows that follow a COPY. Prisma has no such client, and neither has this program.
 *
 * @param errorAt where PostgreSQL's parser stopped, in UTF-16 units; `undefined` where it read the whole file.
 */
export function findClientOnly(
  sql: string,
  statements: readonly { readonly node: Node; readonly offset: number }[],
  errorAt: number | undefined,
): ClientOnly | undefined {
  if (sql.startsWith("\uFEFF")) {
    return {
      offset: 0,
      what: "the file starts with a byte order mark (BOM), which PostgreSQL takes for a part of the first word",
      remedy: "Save the file as UTF-8 without a byte order mark.",
    };
  }
  const copy = statements.find(({ node }) => readsFromClient(node));
  if (copy !== undefined) return { offset: copy.offset, what: copyWhat, remedy: copyRemedy };
  if (errorAt === undefined) return undefined;
  if (sql[errorAt] === "\\") {
    const command = /^\\\S*/.exec(sql.slice(errorAt, errorAt + 40))?.[0] ?? "\\";
    return {
      offset: errorAt,
      what: `${command} is a command of the program psql, which the server does not know`,
      remedy: "Take the lines that start with a backslash out of the file; pg_dump writes them for psql only.",
    };
  }
  // The rows of a COPY are no SQL: the parser stops at the first of them.
  const started = lastMatch(sql.slice(0, errorAt), /\bCOPY\b[^;]*\bFROM\s+STDIN\b[^;]*;\s*$/gi);
  return started === undefined ? undefined : { offset: started, what: copyWhat, remedy: copyRemedy };
}

const copyWhat = "COPY … FROM stdin reads its rows from a client program, and a migration has none";

function readsFromClient(node: Node): boolean {
  if (!("CopyStmt" in node)) return false;
  const { is_from, is_program, filename } = node.CopyStmt;
  return is_from === true && is_program !== true && (filename ?? "") === "";
}

function lastMatch(text: string, pattern: RegExp): number | undefined {
  // A statement is short; what stands further back belongs to others.
  const from = Math.max(0, text.length - 10_000);
  return [...text.slice(from).matchAll(pattern)].map(({ index }) => from + index).at(-1);
}
