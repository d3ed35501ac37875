import { z } from "zod";

/** What the reporter tells of a suite that has ended. */
const ended = z.object({ suite: z.string(), seconds: z.number(), passed: z.int(), failed: z.int() });

/** A line about it, for who waits for the output of the whole lane. @returns `undefined` where the message is about something else */
export function tellEnded(message: unknown): string | undefined {
  const { success, data } = ended.safeParse(message);
  if (!success) return undefined;
  const { suite, seconds, passed, failed } = data;
  const counts = failed === 0 ? `${passed} passed` : `${passed} passed, ${failed} failed`;
  return `  … beside this: ${suite}: ${counts} (${seconds.toFixed(1)} s)`;
}
