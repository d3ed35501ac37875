import { CommanderError } from "commander";
import { PipelineError } from "../../pipeline/errors.js";
import { failureText } from "../commands/reportFailure.js";
import { type Arguments, UsageError } from "./arguments.js";
import { assertKnown } from "./knownStacks.js";
import { PulumiError } from "./pulumi.js";
import { PurgeRefused } from "./purge.js";
import { say } from "./say.js";
import { StackFileError } from "./stackFile.js";
import { root } from "./workspace.js";

/** As the pipeline's: wrong request, refused before anything was touched, failed, stopped. */
export const exit = { failed: 1, usage: 2, refused: 3, interrupted: 130 } as const;

/** A failure that has been foreseen: all that is printed is its message. */
export class StackFailure extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}

/** What brings a stack up. */
export function upCommand(args: Arguments): string {
  return args.stack === "local" ? "npm start" : `npm run up -- --stack ${args.stack}`;
}

/** There is no such stack: it was never brought up, or its name is mistyped. */
export function throwNoStack(args: Arguments): never {
  assertKnown(root, args.stack);
  throw new StackFailure(`There is no stack ${args.stack} yet. Run: ${upCommand(args)}`, exit.refused);
}

/** What was asked for, to be asked for again. */
export function again(args: Arguments): string {
  if (args.command === "start") return "npm start";
  return `npm run ${args.command} -- --stack ${args.stack}`;
}

/** Tells a person of a failure. @returns the exit code */
export function report(error: unknown): number {
  if (error instanceof StackFailure) {
    say(`\n${error.message}`);
    return error.exitCode;
  }
  // It has printed the help that was asked for.
  if (error instanceof CommanderError) return 0;
  if (error instanceof StackFileError || error instanceof PipelineError) {
    say(failureText(error));
    return error instanceof PipelineError ? error.exitCode : exit.usage;
  }
  if (error instanceof UsageError || error instanceof PurgeRefused) {
    say(error.message);
    return error instanceof UsageError ? exit.usage : exit.refused;
  }
  if (error instanceof PulumiError) {
    say(`pulumi failed: ${error.message}`);
    return exit.failed;
  }
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return exit.failed;
}
