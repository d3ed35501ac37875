import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { nearest } from "../../config/nearest.js";
import { UsageError } from "./arguments.js";

/**
 * Refuses a stack that no file of settings is there for: with a mistyped name Pulumi would make another stack, of defaults
 * alone, which is a local one.
 *
 * @throws UsageError naming the stack that was meant, where one is near
 */
export function assertKnown(folder: string, stack: string): void {
  if (isKnown(folder, stack)) return;
  throw new UsageError(`${describeUnknown(folder, stack)} Nothing was touched. ${forNew}`);
}

/** What to do where the name was meant. */
export const forNew = "For a new stack write that file first; docs/configuration.md has what goes into it.";

/** Whether there is a file of settings for the stack. */
export function isKnown(folder: string, stack: string): boolean {
  return existsSync(join(folder, `Pulumi.${stack}.yaml`));
}

/** A sentence on a stack that is not known, with those that are. */
export function describeUnknown(folder: string, stack: string): string {
  const known = readdirSync(folder)
    .map((name) => /^Pulumi\.([\w.-]+)\.yaml$/.exec(name)?.[1])
    .filter((name) => name !== undefined)
    .sort();
  const near = nearest(stack, known);
  const meant = near === undefined ? "" : `: did you mean ${near}?`;
  return `There is no Pulumi.${stack}.yaml, so nothing is known of a stack "${stack}"${meant} (there are: ${known.join(", ")}).`;
}
