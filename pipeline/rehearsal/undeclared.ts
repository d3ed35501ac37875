import { PipelineError } from "../errors.js";
import { type unreadableDeclarations } from "./declarations.js";
import { type Observed, declare, describeObserved } from "./observed.js";

/** What a migration changes or loses and does not declare. */
export interface Loss {
  /** Of the migration. */
  readonly name: string;
  readonly undeclared: readonly Observed[];
  /** Comments of its file that may have been meant to declare it. */
  readonly unreadable: ReturnType<typeof unreadableDeclarations>;
}

/** Of how many migrations a message tells. */
const most = 20;

/** What a comment that begins like a declaration lacks, for it to be one. */
export function howToDeclare(text: string): string {
  return `"${text}" declares nothing: names are separated by commas, their parts by dots, odd ones in double quotes`;
}

/**
 * All that the pending migrations change or lose and do not declare, with the comments that would declare it.
 *
 * @param ended why not all of them were looked at; `undefined`: they were
 */
export function undeclaredLoss(losses: readonly Loss[], ended?: PipelineError): PipelineError {
  const blocks = losses.slice(0, most).map(({ name, undeclared, unreadable }) => {
    const lines = [
      ...undeclared.map(describeObserved),
      ...unreadable.map(({ line, text }) => `line ${line}: ${howToDeclare(text)}`),
    ];
    return [`${name} changes or loses data and does not say so:`, ...lines.map((line) => `  ${line}`)].join("\n");
  });
  if (losses.length > most) blocks.push(`and ${losses.length - most} more migrations do`);
  if (ended !== undefined) blocks.push(`What comes after was not looked at: ${ended.message}`);
  const comments = losses
    .slice(0, most)
    .map(({ name, undeclared }) => `in ${name}/migration.sql: ${declare(undeclared).join("   and   ")}`);
  const [first] = comments;
  return new PipelineError(
    {
      code: "UNDECLARED_LOSS",
      kind: "refused",
      message: blocks.join("\n"),
      state: "The database was not touched: the migration was only tried on a restored copy, which is dropped.",
      next:
        comments.length === 1
          ? `If it is meant, declare it ${first ?? ""}   else mend the file. Then run the same command.`
          : `If it is meant, declare it, else mend the files:\n${comments.map((one) => `  ${one}`).join("\n")}\nThen run the same command.`,
    },
    { cause: ended },
  );
}
