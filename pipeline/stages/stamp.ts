/** The fields that every result carries. @param started milliseconds since the epoch. */
export function stamp(
  request: { run: string; environment: string },
  started: number,
): { run: string; environment: string; at: string; durationMs: number } {
  return {
    run: request.run,
    environment: request.environment,
    at: new Date(started).toISOString(),
    durationMs: Date.now() - started,
  };
}
