import { PipelineError, messageOf } from "../errors.js";

/** The role may not read something, or would be shown a part of its rows only. */
export function readRefused(object: string, cause: unknown): PipelineError {
  return new PipelineError(
    {
      code: "NOT_READABLE",
      kind: "refused",
      message: `${object} cannot be read whole by the pipeline's role: ${messageOf(cause)}.`,
      state: "Nothing was changed.",
      next:
        "Let the role read everything (GRANT pg_read_all_data TO …, or the ownership of the objects; BYPASSRLS where row " +
        "security hides rows; for large objects their owner or lo_compat_privileges), then run the same command.",
    },
    { cause },
  );
}

/** A table could not be locked, not even for reading, within `timeoutMs`. `blockers` are sessions, in words. */
export function lockTimedOut(
  object: string,
  timeoutMs: number,
  blockers: readonly string[],
  cause: unknown,
): PipelineError {
  const who = blockers.length > 0 ? blockers.join("; ") : "a session that has ended since";
  return new PipelineError(
    {
      code: "BLOCKED",
      kind: "failedUnchanged",
      message: `${object} could not be read within ${timeoutMs} ms: it is held exclusively, or waited for, by ${who}.`,
      state: "The database was not changed, and no backup was recorded.",
      next: "Wait for that session or end it (SELECT pg_terminate_backend(PID)), then run the same command.",
    },
    { cause },
  );
}
