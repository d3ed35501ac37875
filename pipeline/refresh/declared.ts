import { PipelineError } from "../errors.js";
import { loadParser } from "../prisma/plan.js";
import { type Part, commentsOf, parseNames } from "../rehearsal/declarations.js";

/** A column, or all of a table, as the file names it. */
export interface DeclaredName {
  readonly parts: readonly Part[];
  readonly text: string;
  readonly line: number;
}

/** What a file that anonymises says of itself, in its comments. */
export interface Declared {
  /** No value that these columns held is to be left in them, nor in any other column with text. */
  readonly anonymises: readonly DeclaredName[];
  /** Columns that may hold such a value all the same: a city that is also somebody's name. */
  readonly keeps: readonly DeclaredName[];
}

const words = "anonymises|keeps";
const head = new RegExp(`^--\\s*(${words})\\s*:(.*)$`, "is");

/**
 * Reads what a file that anonymises declares:
 *
 *     -- anonymises: user_profiles.email, "Order".note    columns in which no value is to be left
 *     -- keeps: cities.name                               columns in which such a value may be found all the same
 *
 * @throws PipelineError (`usage`) for a line that cannot be read, and for a file that declares nothing: nothing could be proved.
 */
export async function readDeclared(file: string, sql: string): Promise<Declared> {
  await loadParser();
  const declared = { anonymises: [] as DeclaredName[], keeps: [] as DeclaredName[] };
  for (const { text, line } of commentsOf(sql, words)) {
    const [, word, names] = head.exec(text) ?? [];
    if (word === undefined || names === undefined) continue;
    const parsed = parseNames(names);
    if (parsed === undefined || parsed.some(({ parts }) => parts.length < 2))
      throw unreadable(`${file}, line ${line}: "${text}" cannot be read as names of columns (table.column, …).`);
    declared[word.toLowerCase() as keyof Declared].push(...parsed.map((name) => ({ ...name, line })));
  }
  if (declared.anonymises.length > 0) return declared;
  throw unreadable(`${file} declares no column that it anonymises, so nothing could be proved of what it does.`);
}

function unreadable(message: string): PipelineError {
  return new PipelineError({
    code: "ANONYMISE_FILE",
    kind: "usage",
    message,
    state: "Nothing was touched.",
    next: 'Write a comment such as: -- anonymises: user_profiles.email, "Order".note   then run the same command.',
  });
}
