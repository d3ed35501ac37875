import { CommanderError } from "commander";
import { ConfigError } from "../../config.js";
import { PipelineError, exitCodes, messageOf } from "../../pipeline/errors.js";
import { BuildError } from "../build/buildError.js";
import { StackFileError } from "../stack/stackFile.js";

/** What a person is told of a failure that was foreseen. */
export function failureText({ message, state, next }: Readonly<Record<"message" | "state" | "next", string>>): string {
  return `\n${message}\n\nState: ${state}\nNext:  ${next}`;
}

/** Tells a person of a failure, and sets the exit code; what was not foreseen keeps its stack. */
export function reportFailure(error: unknown): void {
  if (error instanceof PipelineError || error instanceof BuildError || error instanceof StackFileError) {
    process.stderr.write(`${failureText(error)}\n`);
    process.exitCode = error instanceof PipelineError ? error.exitCode : exitCodes.usage;
  } else if (error instanceof CommanderError) {
    // It has printed its own message by now, or the help that was asked for.
    process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  } else if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = exitCodes.usage;
  } else {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n`);
    process.exitCode = exitCodes.defect;
  }
}
