import { Command, CommanderError, Option } from "commander";
import type { Resolution } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { npmRun } from "../../pipeline/npmRun.js";
import { slugOf } from "../../pipeline/prisma/migrationName.js";
import { flag, mannerly, saidOf, stackOption } from "../commands/commandLine.js";

/** Flags of the prisma commands. */
export interface CommandFlags {
  /** The environment; `--environment` is another word for it. */
  readonly stack: string;
  /** `--name`, `-n`. */
  readonly name?: string;
  /** `--force`, `-f`. */
  readonly force?: boolean;
  /** `--applied NAME`. */
  readonly applied?: string;
  /** `--rolled-back NAME`. */
  readonly rolledBack?: string;
  readonly json?: boolean;
}

interface Described {
  readonly about: string;
  readonly options: readonly Option[];
  /** What an exit code means here besides. */
  readonly codes?: Parameters<typeof mannerly>[2];
}

const name = (about: string) => flag("-n, --name <name>", about);

const described: Readonly<Record<string, () => Described>> = {
  create: () => ({
    about:
      "Writes the next migration from the changes of the Prisma schema, with its way back, and applies nothing. Where the schema has no change, the file is for SQL that is written by hand.",
    options: [name("what it changes, e.g. add_orders; required")],
  }),
  dev: () => ({
    about:
      "Applies what is pending, makes a migration of the changes of the Prisma schema, applies it, and generates the client; on local and dev only. It never resets.",
    options: [name("what it changes; required where the schema has changed")],
  }),
  reset: () => ({
    about:
      "Empties the database and applies every migration; on local, and on a dev whose database is reached from here, only. Asks for the environment's name.",
    options: [new Option("-f, --force", "do not ask")],
  }),
  resolve: () => ({
    about: "Records what you found about a migration that failed; no table is touched. Name one of the two.",
    options: [
      flag("--applied <migration>", "all of it is in the database"),
      flag("--rolled-back <migration>", "nothing of it is"),
    ],
  }),
  status: () => ({
    about: "Both sides of the history by name and checksum, and drift; only reads.",
    options: [new Option("--json", "print it as one JSON object")],
    codes: {
      refused: "or something must be put right first: a migration that failed, was edited or is missing, or drift",
    },
  }),
  validate: () => ({ about: "Whether the Prisma schema is valid.", options: [] }),
};

/**
 * Reads what is wrong with a command's arguments before anything is looked at.
 *
 * @throws PipelineError (`usage`) for an argument that the command does not take; CommanderError where its help was asked for.
 */
export function parseFlags(command: string, args: readonly string[], environment = "local"): CommandFlags {
  const known = described[command]?.();
  if (known === undefined) throw usage(`There is no command ${scriptOf(command)}.`, "npm run lists the commands.");
  const program = mannerly(new Command(`npm run ${scriptOf(command)} --`), "", known.codes)
    .description(known.about)
    .showHelpAfterError(false)
    .configureOutput({ outputError: () => undefined })
    .addOption(stackOption());
  for (const option of known.options) program.addOption(option);
  try {
    program.parse([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError) || error.exitCode === 0) throw error;
    throw usage(`${scriptOf(command)}: ${saidOf(error)}.`, exampleOf(command, environment));
  }
  const flags = program.opts<CommandFlags>();
  const lacksName = flags.name === undefined ? command === "create" : slugOf(flags.name) === "";
  if (lacksName) throw nameless(command, flags.stack);
  if (command === "resolve") resolutionOf(flags, flags.stack);
  return flags;
}

/** What was found, by the flags. @throws PipelineError (`usage`) unless it is one of the two. */
export function resolutionOf({ applied, rolledBack }: CommandFlags, environment: string): Resolution {
  if (applied !== undefined && rolledBack === undefined) return { applied };
  if (applied === undefined && rolledBack !== undefined) return { rolledBack };
  throw usage(
    "Say what you found: all of the migration is in the database (--applied NAME), or nothing of it (--rolled-back NAME).",
    exampleOf("resolve", environment),
  );
}

function scriptOf(command: string): string {
  return command === "validate" ? "prisma:validate" : `prisma:migrate:${command}`;
}

/** A command line that the command takes, and where its flags are told. */
function exampleOf(command: string, environment: string): string {
  const script = scriptOf(command);
  const example = npmRun(environment, script, ...(examples[command] ?? []));
  return `Run: ${example} (its flags: npm run ${script} -- --help)`;
}

const examples: Readonly<Record<string, readonly string[]>> = {
  create: ["--name add_orders"],
  dev: ["--name add_orders"],
  reset: ["--force"],
  resolve: ["--rolled-back 20240101120000_add_orders"],
};

/** A migration was asked for without a name. */
export function nameless(command: string, environment: string): PipelineError {
  return usage("A migration needs a name that says what it changes.", exampleOf(command, environment));
}

function usage(message: string, next: string): PipelineError {
  return new PipelineError({ code: "USAGE", kind: "usage", message, state: "Nothing was touched.", next });
}
