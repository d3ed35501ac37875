import { createInterface } from "node:readline/promises";
import { isForgiving } from "../../config/forgiving.js";
import { PipelineError } from "../../pipeline/errors.js";

/** Commands that take something away from some environment, with some of their flags. */
const destroying: ReadonlySet<string> = new Set([
  "restore",
  "restore:checkpoint",
  "recover",
  "refresh",
  "rollback",
  "repair",
  "checkpoint",
]);

/** Whether a command of `npm run db` may ask for the environment's name to be typed. */
export function asksForName(command: string): boolean {
  return destroying.has(command);
}

/** A stage that is about to be asked for, with what its request has beside what every stage is told. */
interface Asked {
  readonly stage: string;
  readonly more?: object;
}

/** What a command takes away from a database or its backups, as a sentence; `undefined`: nothing. */
export function destroyedBy({ stage, more = {} }: Asked): string | undefined {
  const has = (field: string, value: unknown) =>
    Object.entries(more).some(([name, is]) => name === field && is === value);
  switch (stage) {
    case "restore":
      return "into" in more || has("dbSnapshot", true)
        ? undefined
        : "at" in more
          ? "The database as it was at that moment takes its place. What was written since is then in the database that is kept beside, and nowhere else."
          : "The backup takes the database's place. What was written since it was made is then in the database that is kept beside, and nowhere else.";
    case "recover":
      return "at" in more
        ? "The application is stopped, and the database as it was at that moment takes its place. What was written since is then in the database that is kept beside, and nowhere else."
        : "The application is stopped, and the backup takes the database's place. What was written since it was made is then in the database that is kept beside, and nowhere else.";
    case "refresh":
      return "Another environment's data takes the database's place. What is in it is then in the database that is kept beside, and nowhere else.";
    case "destroy":
      return "The resources of the stack are deleted, but for those that are protected.";
    case "rollback":
      return "Migrations are taken back: what their down.sql drops is then in the backup that is made before, and nowhere else.";
    case "repair":
      return has("apply", true) ? "Rows and objects of the database are changed as the dry run says." : undefined;
    case "checkpoint":
      return has("action", "remove") ? "The checkpoint is removed for good." : undefined;
    default:
      return undefined;
  }
}

export interface Terminal {
  /** Whether a person can be asked. */
  readonly present: boolean;
  ask(question: string): Promise<string>;
}

const here: Terminal = {
  get present() {
    return process.stdin.isTTY && process.stderr.isTTY;
  },
  async ask(question) {
    const reader = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return await reader.question(question);
    } finally {
      reader.close();
    }
  },
};

/**
 * Where production's data is at stake, asks for the environment's name to be typed.
 *
 * @param yes the name, where it was given with the command.
 * @throws PipelineError (`NOT_CONFIRMED`) where another name, or none, was given.
 */
export async function confirm(
  environment: string,
  asked: Asked,
  yes: string | undefined,
  terminal: Terminal = here,
): Promise<void> {
  const destroyed = destroyedBy(asked);
  if (destroyed === undefined || isForgiving(environment)) return;
  const typed =
    yes === undefined && terminal.present
      ? await terminal.ask(`${asked.stage} on ${environment}. ${destroyed}\nType ${environment} to go on: `)
      : yes;
  if (typed?.trim() === environment) return;
  throw new PipelineError({
    code: "NOT_CONFIRMED",
    kind: "refused",
    message: `${asked.stage} on ${environment} was not confirmed. ${destroyed}`,
    state: "Nothing was touched.",
    next: `If you mean it, add to the same command: --yes ${environment} (where npm runs it: -- --yes ${environment})`,
  });
}
