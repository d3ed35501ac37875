import { PipelineError } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { sqlState } from "../postgres/connection.js";
import { EngineError, type EngineOptions } from "./engine.js";
import { ScriptFailure } from "./script.js";

/** Code of the failure below, for callers that may go on without a comparison. */
export const replayFailedCode = "REPLAY_FAILED";

/**
 * Does `work`, which replays migrations in an empty database, and says which of them cannot be replayed. Prisma's engine tells a
 * name and a trace of its own functions.
 *
 * @throws PipelineError (`refused`, {@link replayFailedCode})
 */
export async function explainReplay<T>(
  migrations: string,
  { environment = "local" }: Pick<EngineOptions, "environment">,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const name = /[Mm]igration `([^`]+)`/.exec(error.message)?.[1];
    if (name === undefined && !(error.cause instanceof ScriptFailure)) throw engineFailed(error);
    const reason = error.cause instanceof ScriptFailure ? error.cause.description : error.message;
    throw new PipelineError(
      {
        code: replayFailedCode,
        kind: "refused",
        message:
          `The migrations of ${migrations} cannot be replayed in an empty database, so there is nothing to compare with` +
          `${name === undefined ? "" : `; the first that fails is ${name}`}:\n${reason}`,
        state: "Nothing was touched: they are replayed in a database of its own, which is gone.",
        next:
          "If that migration is not applied anywhere, mend it. If it is, put what it needs (a schema, an extension, a table made by " +
          `hand) into a migration before it and record that one as applied (${npmRun(environment, "prisma:migrate:resolve", "--applied NAME")}); ` +
          "or go on without the comparison: preflight.drift: warn. Then run the same command.",
      },
      { cause: error },
    );
  }
}

/** The engine could not do its work, whatever the migrations are. */
function engineFailed(error: EngineError): PipelineError {
  const right = sqlState(error.cause) === "42501";
  return new PipelineError(
    {
      code: right ? "MISSING_RIGHT" : "PRISMA_ENGINE",
      kind: "refused",
      // Below its first lines stands a trace of the engine's own functions.
      message: `Prisma's engine could not look at the database: ${error.message.replace(/\n\s*0: [\s\S]*$/, "").trim()}.`,
      state: "Nothing was touched.",
      next: right
        ? "Grant that right to the role that migrations run as (for a schema of its own: GRANT CREATE ON DATABASE … TO …), then run the same command."
        : "Mend that, then run the same command.",
    },
    { cause: error },
  );
}
