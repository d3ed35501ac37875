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
  if (existsSync(join(folder, `Pulumi.${stack}.yaml`))) return;
  const known = readdirSync(folder)
    .map((name) => /^Pulumi\.([\w.-]+)\.yaml$/.exec(name)?.[1])
    .filter((name) => name !== undefined)
    .sort();
  const near = nearest(stack, known);
  throw new UsageError(
    `There is no Pulumi.${stack}.yaml, so nothing is known of a stack "${stack}"${near === undefined ? "" : `: did you mean ${near}?`} ` +
      `(there are: ${known.join(", ")}). Nothing was touched. For a new stack write that file first; docs/configuration.md has what goes into it.`,
  );
}
