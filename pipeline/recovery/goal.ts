import type { RestorePoint } from "../contracts.js";
import { PipelineError } from "../errors.js";
import type { BaseBackup } from "./archive.js";
import { baseFor, baseForPoint, targetTime } from "./moment.js";

/** Where a recovery ends: at a moment, or at a restore point of the log. */
export type Goal =
  { readonly to: "moment"; readonly at: Date } | { readonly to: "point"; readonly restorePoint: RestorePoint };

/** The goal in words: `2026-01-31T14:05:00.000Z`. */
export function describeGoal(goal: Goal): string {
  return goal.to === "moment" ? goal.at.toISOString() : `restore point ${goal.restorePoint.name}`;
}

/** The goal as pgBackRest's `restore` takes it. */
export function goalArguments(goal: Goal): string[] {
  return goal.to === "moment"
    ? ["--type=time", `--target=${targetTime(goal.at)}`]
    : ["--type=name", `--target=${goal.restorePoint.name}`];
}

/**
 * The base backup that leads to a goal.
 *
 * @param backups oldest first
 * @param now by the server's clock
 * @throws PipelineError (`refused`) where none does.
 */
export function baseOf(goal: Goal, backups: readonly BaseBackup[], now: Date): BaseBackup {
  if (goal.to === "moment") return baseFor(goal.at, backups, now);
  const base = baseForPoint(goal.restorePoint, backups);
  if (base === undefined) throw pointGone(goal.restorePoint, backups);
  return base;
}

function pointGone({ name, at }: RestorePoint, backups: readonly BaseBackup[]): PipelineError {
  const [oldest] = backups;
  const kept =
    oldest === undefined ? "there is none" : `the oldest was complete at ${new Date(oldest.completeMs).toISOString()}`;
  return new PipelineError({
    code: "POINT_GONE",
    kind: "refused",
    message: `No base backup in the archive leads to restore point ${name} of ${at}: ${kept}. The archive keeps what database.recoveryDays says, and no longer.`,
    state: "Nothing was touched.",
    next: "Take a newer backup (npm run db:restore -- --list), or a checkpoint, which is kept apart from the archive.",
  });
}
