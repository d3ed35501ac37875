import { PipelineError } from "../pipeline/errors.js";
import type { LastRun } from "./lastRun.js";

/**
 * Refuses a stack that has another name than at its last run: its resources and its backups are named after it, and so is the mark of its
 * database. All of it would be made anew, empty, and what is there deleted. Touches nothing, so a preview refuses as an update does.
 *
 * @throws PipelineError (`STACK_RENAMED`)
 */
export function assertNotRenamed(stack: string, last: LastRun | undefined): void {
  const before = last?.environment;
  if (before === undefined || before === stack) return;
  throw new PipelineError({
    code: "STACK_RENAMED",
    kind: "refused",
    message: `This stack was "${before}" at its last run, and is "${stack}" now: its database is marked as "${before}", and its network, bucket and backups are named so. All of it would be made anew, empty, and what is there deleted.`,
    state: "Nothing was touched.",
    next: `Give it its name back: pulumi stack rename ${before} --stack ${stack}. For another environment make another stack: pulumi stack init NAME.`,
  });
}
