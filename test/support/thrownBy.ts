import assert from "node:assert/strict";

/** The error with which `work` must end. */
export async function thrownBy<Failure extends Error>(
  work: Promise<unknown>,
  kind: new (...given: never[]) => Failure,
): Promise<Failure> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof kind, `expected a ${kind.name}, got ${String(error)}`);
  return error;
}
