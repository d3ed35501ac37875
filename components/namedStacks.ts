import type { Config } from "../config.js";
import { PipelineError } from "../pipeline/errors.js";
import { describeUnknown, isKnown } from "../tools/stack/knownStacks.js";

/**
 * Refuses a configuration that names another stack of this project which there is none of: of such a one the engine says no more than that it
 * is unknown, and what would bring it up would be told with the name as it was mistyped.
 *
 * @param root the checkout
 * @throws PipelineError (`NO_STACK`) with the stacks that there are.
 */
export function assertStacksNamed(
  root: string,
  stack: string,
  { promotion, refresh }: Pick<Config, "promotion" | "refresh">,
): void {
  for (const [key, name] of [
    ["promotion.from", promotion.from],
    ["refresh.from", refresh.from],
  ] as const) {
    if (name === "" || isKnown(root, name)) continue;
    throw new PipelineError({
      code: "NO_STACK",
      kind: "usage",
      message: `${key}: ${describeUnknown(root, name)}`,
      state: "Nothing was touched.",
      next: `Name one of those, or none: pulumi config set --path ${key} NAME --stack ${stack}; then run the same command.`,
    });
  }
}
