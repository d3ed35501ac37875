import { diagnoseResult, repairResult } from "../contracts.js";
import { exitCodes } from "../errors.js";

/**
 * The exit code of a result. That something is wrong with the database is no failure of `diagnose`, and its exit code says it
 * all the same, so that a script can tell.
 */
export function resultExitCode(result: unknown): number {
  const diagnosed = diagnoseResult.safeParse(result);
  if (diagnosed.success) return diagnosed.data.errors > 0 ? exitCodes.failedUnchanged : exitCodes.ok;
  const repaired = repairResult.safeParse(result);
  if (!repaired.success || !repaired.data.applied) return exitCodes.ok;
  return repaired.data.left.some(({ severity }) => severity === "error") ? exitCodes.failedChanged : exitCodes.ok;
}
