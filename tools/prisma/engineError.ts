import { PipelineError, messageOf } from "../../pipeline/errors.js";
import { EngineError } from "../../pipeline/prisma/engine.js";
import { ScriptFailure } from "../../pipeline/prisma/script.js";
import { UserFacingError } from "./engineLog.js";

/** Prisma's codes for what our connections report. */
const codes: Readonly<Record<string, string>> = {
  AUTHENTICATION: "P1000",
  NO_PASSWORD: "P1000",
  NOT_RUNNING: "P1001",
  CONNECTION: "P1001",
  STARTING: "P1002",
  NO_DATABASE: "P1003",
};

/** Any failure, with the code and the text that Prisma's CLI shows. */
export function toUserFacing(error: unknown): UserFacingError {
  if (error instanceof UserFacingError) return error;
  if (error instanceof PipelineError) return new UserFacingError(codes[error.code], `${error.message}\n${error.next}`);
  if (error instanceof ScriptFailure) return new UserFacingError(undefined, error.description);
  if (error instanceof EngineError) {
    const { code, cause } = error;
    // The engine wraps what PostgreSQL said into a trace of its own functions.
    if (code === undefined && cause instanceof ScriptFailure) return new UserFacingError(undefined, cause.description);
    return new UserFacingError(code, error.message.replace(/^P\d{4}: /, ""));
  }
  return new UserFacingError(undefined, messageOf(error));
}
