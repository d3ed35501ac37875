import { CommanderError } from "commander";
import { ConfigError } from "../../config.js";
import { PipelineError, exitCodes, messageOf } from "../../pipeline/errors.js";
import { BuildError } from "../build/buildError.js";
import { StackFileError } from "../stack/stackFile.js";

/** Tells a person of a failure, and sets the exit code; what was not foreseen keeps its stack. */
export function reportFailure(error: unknown): void {
  if (error instanceof PipelineError || error instanceof BuildError || error instanceof StackFileError) {
    process.stderr.write(`\n${error.message}\n\nState: ${error.state}\nNext:  ${error.next}\n`);
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
