import { RunError } from "@pulumi/pulumi/errors";

interface Foreseen extends Error {
  readonly state?: unknown;
  readonly next?: unknown;
}

/** An error of a class of the project's own is meant for a person; a bare `Error` or `TypeError` is a defect, and keeps its stack. */
function isForeseen(error: unknown): error is Foreseen {
  const plain: unknown[] = [Error, TypeError, ReferenceError, RangeError, SyntaxError, AggregateError];
  return error instanceof Error && !(error instanceof RunError) && !plain.includes(error.constructor);
}

function textOf(error: Foreseen): string {
  const lines = [error.message];
  if (typeof error.state === "string") lines.push(`State: ${error.state}`);
  if (typeof error.next === "string") lines.push(`Next: ${error.next}`);
  return lines.join("\n");
}

/**
 * Runs a program. What it foresees is thrown as what Pulumi shows without a stack, whoever runs it: message, state, and what to
 * do next. The error itself is its `cause`.
 *
 * @throws RunError; anything that was not foreseen as it is
 */
export async function tellingForeseen<T>(program: () => T | Promise<T>): Promise<T> {
  try {
    return await program();
  } catch (error) {
    throw isForeseen(error) ? Object.assign(new RunError(textOf(error)), { cause: error }) : error;
  }
}
