import { Command as Program, CommanderError, Option } from "commander";
import { environmentOf } from "../../pipeline/npmRun.js";
import { flag, mannerly, reason, saidOf } from "../commands/commandLine.js";

const commands = ["start", "up", "preview", "destroy", "outputs", "export"] as const;
export type Command = (typeof commands)[number];

export interface Arguments {
  readonly command: Command;
  readonly stack: string;
  /** `destroy`: remove the local stack's data as well. */
  readonly purge: boolean;
  /** `destroy`: the stack's name, so that it is not asked for. */
  readonly yes?: string;
  /** `up`: why it does not wait for the maintenance window. */
  readonly now?: string;
  /** `preview`: tell what is not promoted yet instead of refusing it. */
  readonly beforePromotion?: boolean;
}

/** The command line is wrong; nothing was touched. */
export class UsageError extends Error {}

/** Every operation of Pulumi fails alike, whatever in it did. */
const codes = {
  defect: "or the operation failed, as the message says; what was done before is saved in the stack's state",
};

const about: Readonly<Record<Command, string>> = {
  start:
    "Sets up what is missing, and brings the stack local up: a PostgreSQL of its own under .local/, sample data, and the pipeline; then prints its outputs.",
  up: "Brings a stack up: its database and backups, then preflight, backup, rehearse, migrate and verify.",
  preview:
    "Shows what an update would do, and touches nothing: resources, pending migrations with their risk, and what would be refused.",
  destroy: "Deletes a stack's resources. Data stays, unless told otherwise; what is protected is refused.",
  outputs: "Prints a stack's outputs as one JSON object.",
  export: "Prints a stack's state as JSON, with its secrets encrypted.",
};

interface Flags {
  readonly stack?: string;
  readonly purge?: boolean;
  readonly yes?: string;
  readonly now?: string;
  readonly beforePromotion?: boolean;
}

function programOf(command: Command): Program {
  const script = command === "start" ? "npm start" : `npm run ${command}`;
  const program = mannerly(new Program(`${script} --`), "", codes)
    .description(about[command])
    .showHelpAfterError(false)
    .configureOutput({ outputError: () => undefined });
  if (command !== "start")
    program.addOption(
      flag(
        "-s, --stack <name>",
        "local, dev, staging, prod or a stack of your own; default: as NODE_ENV says, else local",
      ),
    );
  else program.addOption(flag("-s, --stack <name>", "local, which is the default").hideHelp());
  // A word that the commands of npm run db know, too.
  program.addOption(flag("--environment <name>", "another word for --stack").hideHelp());
  if (command === "destroy")
    program
      .addOption(new Option("--purge", "remove the data and all backups of the stack local as well"))
      .addOption(new Option("--yes <stack>", "the stack's name, so that it is not asked for where it is prod"));
  if (command === "up" || command === "start" || command === "preview")
    program.addOption(
      flag("--now <reason>", "do not wait for the maintenance window; the reason is recorded").argParser(reason),
    );
  if (command === "preview")
    program.addOption(new Option("--before-promotion", "tell what is not promoted yet instead of refusing it"));
  return program;
}

/**
 * @throws UsageError naming what is wrong and what is allowed; CommanderError where its help was asked for, which it has printed.
 */
export function parse(argv: readonly string[], nodeEnv: string | undefined): Arguments {
  const [name, ...rest] = argv;
  const command = commands.find((known) => known === name);
  if (command === undefined) throw new UsageError(`unknown command "${name ?? ""}"; known: ${commands.join(", ")}`);
  const { environment, stack: named = environment, purge = false, ...flags } = read(command, rest);
  const stack = named ?? (command === "start" ? "local" : environmentOf(nodeEnv));
  if (!/^[\w.-]+$/.test(stack))
    throw new UsageError(`--stack ${stack}: a stack's name has letters, digits, "-", "_" and "." only`);
  if (command === "start" && stack !== "local") {
    throw new UsageError(`npm start is for the stack local; run: npm run up -- --stack ${stack}`);
  }
  if (purge && stack !== "local") {
    throw new UsageError(
      `--purge is for the stack local, whose data is under .local/; the data of ${stack} is not this command's`,
    );
  }
  return { command, stack, purge, ...flags };
}

function read(command: Command, args: readonly string[]): Flags & { readonly environment?: string } {
  const program = programOf(command);
  try {
    return program.parse([...args], { from: "user" }).opts();
  } catch (error) {
    if (!(error instanceof CommanderError) || error.exitCode === 0) throw error;
    const script = command === "start" ? "npm start" : `npm run ${command}`;
    const said = `${script}: ${saidOf(error)}. Nothing was touched. What it takes, behind --: ${script} -- --help`;
    throw new UsageError(said, { cause: error });
  }
}
