import type { Change, ChangeKind, ChangeOf } from "../risk/change.js";

/** What to make of some kinds of change; others are passed over. */
export type PerKind<Result, Rest extends readonly unknown[] = []> = {
  readonly [Kind in ChangeKind]?: (change: ChangeOf<Kind>, ...rest: Rest) => Result;
};

/** `undefined` for a kind that is passed over. */
export function perKind<Result, Rest extends readonly unknown[]>(
  handlers: PerKind<Result, Rest>,
  change: Change,
  ...rest: Rest
): Result | undefined {
  // The handler under a change's own kind takes that kind, which the compiler cannot follow through the look-up.
  const handler = handlers[change.kind] as ((change: Change, ...rest: Rest) => Result) | undefined;
  return handler?.(change, ...rest);
}
