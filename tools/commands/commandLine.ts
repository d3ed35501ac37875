import { Command, type CommanderError, Help, InvalidArgumentError, Option } from "commander";
import { describeExitCodes } from "../../pipeline/describeExitCodes.js";
import { environmentOf } from "../../pipeline/npmRun.js";

/** What the commands that people type have in common, in one word for each thing; docs/commands.md tells it. */

/**
 * A command's manners: what is wrong with its flags is said before anything is looked at, with where its help is, and the help
 * ends with the exit codes.
 *
 * @param help the command line that shows its help.
 * @param codes what an exit code means here that is more than in general.
 */
export function mannerly(command: Command, help: string, codes: Parameters<typeof describeExitCodes>[0] = {}): Command {
  return command
    .exitOverride()
    .configureHelp({ helpWidth: Math.min(process.stdout.columns || 100, 120), optionDescription })
    .helpOption("-h, --help", "show this; touches nothing")
    .showHelpAfterError(`Nothing was touched. What it takes, behind --: ${help}`)
    .addHelpText("after", `\nExit codes:\n${describeExitCodes(codes)}`);
}

/** Without the variable by which npm hands a flag on, which is nothing to set by hand. */
function optionDescription(option: Option): string {
  const shown = new Option(option.flags, option.description);
  Object.assign(shown, option);
  delete shown.envVar;
  return new Help().optionDescription(shown);
}

/** The heading of the flags that most commands have. */
const everywhere = "As of every command:";

/** Puts a flag that most commands have below those of the command's own. */
export function general(option: Option): Option {
  return option.helpGroup(everywhere);
}

/** What commander says of a command line that is wrong, in one line. */
export function saidOf({ message }: CommanderError): string {
  return message
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ")
    .replace(/\.$/, "");
}

/** A command with a script of its own: `npm run NAME`. */
export function commandLine(
  script: string,
  description: string,
  codes: Parameters<typeof describeExitCodes>[0] = {},
): Command {
  const command = new Command(`npm run ${script} --`).description(description);
  return mannerly(command, `npm run ${script} -- --help`, codes);
}

/**
 * A flag that also works without `--` before it, where npm keeps it for itself and hands it on in the environment: to ignore
 * `npm run db:restore --list` would be to restore.
 */
export function flag(flags: string, description: string): Option {
  const option = new Option(flags, description);
  return option.env(`npm_config_${option.name().replaceAll("-", "_")}`);
}

/** The environment that a command is for; `--environment` is another word for it. */
export function stackOption(): Option {
  const kept = process.env["npm_config_environment"];
  const named = kept === undefined || kept === "" ? environmentOf(process.env["NODE_ENV"]) : kept;
  return flag("--environment, --stack <name>", "local, dev, staging, prod or a stack of your own").default(
    named,
    "as NODE_ENV says, else local",
  );
}

/** The argument of a flag that is recorded: why something is done. */
export function reason(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("Say why; it is recorded.");
  return text;
}

/** The argument of a flag that is a whole number. */
export function wholeNumber(most = 999_999): (text: string) => number {
  return (text) => {
    if (!/^[1-9]\d{0,11}$/.test(text) || Number(text) > most)
      throw new InvalidArgumentError(`A whole number from 1 to ${most}.`);
    return Number(text);
  };
}
