export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const none: Counts = { passed: 0, failed: 0, skipped: 0 };

export function sum(left: Counts, right: Counts): Counts {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
  };
}

/** The last line of a test run. */
export function summary({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** Reads what the reporter left. Nothing, or nonsense, means that mocha ended before its time: one failure. */
export function parseCounts(text: string | undefined): Counts {
  try {
    const counts = JSON.parse(text ?? "") as Partial<Counts>;
    const whole = [counts.passed, counts.failed, counts.skipped].every((count) => Number.isInteger(count));
    return whole ? (counts as Counts) : { ...none, failed: 1 };
  } catch {
    return { ...none, failed: 1 };
  }
}
