import type { Config } from "../config.js";
import { PipelineError } from "../pipeline/errors.js";
import { majorOf } from "../pipeline/postgres/version.js";
import type { LastRun } from "./lastRun.js";

/** Where a stack's database is, as its outputs record it. */
export type Place = NonNullable<LastRun["place"]>;

/** @param region `aws:region` of the stack, if it is set. */
export function placeOf({ database, store }: Config, region: string | undefined): Place {
  const onAws = database.kind === "rds" || database.kind === "ec2" || store.kind === "s3";
  return {
    kind: database.kind,
    ...(onAws && region !== undefined ? { region } : {}),
    ...(database.kind === "rds" ? { major: majorOf(database.engineVersion) } : {}),
  };
}

/**
 * Refuses a configuration by which a stack would make another database, or the same in another region, in the place of the one that
 * it has: that one would be deleted with the update, and the new one is empty. Touches nothing, so a preview refuses as an update does.
 *
 * @param restoreFrom `database.restoreFrom`: a new database is filled from there, so another kind is meant.
 * @throws PipelineError (`STACK_MOVED`)
 */
export function assertNotMoved(stack: string, last: LastRun | undefined, now: Place, restoreFrom: string): void {
  const before = last?.place;
  if (before === undefined) return;
  if (before.region !== undefined && now.region !== undefined && before.region !== now.region)
    throw moved(
      `What "${stack}" has is in ${before.region}, and aws:region says ${now.region}: nothing moves from region to region; all of it would be made anew there, empty, and deleted here.`,
      `Put it back: pulumi config set aws:region ${before.region} --stack ${stack}. For another region make another stack.`,
    );
  if (before.kind === now.kind || (restoreFrom !== "" && isOwn(before.kind) && isOwn(now.kind))) return;
  throw moved(
    `The database of "${stack}" is of kind ${before.kind}, and database.kind says ${now.kind}: another one would be made, which is empty, and the one that is there deleted.`,
    isOwn(before.kind) && isOwn(now.kind)
      ? `Put it back to ${before.kind}. To move its data there, docs/aws.md ("Moving to another kind of database") has the steps; database.restoreFrom is one of them.`
      : `Put it back to ${before.kind}. For a database of another kind make another stack.`,
  );
}

/** What a stack makes on AWS. */
function isOwn(kind: string): boolean {
  return kind === "rds" || kind === "ec2";
}

function moved(message: string, next: string): PipelineError {
  return new PipelineError({ code: "STACK_MOVED", kind: "refused", message, state: "Nothing was touched.", next });
}
