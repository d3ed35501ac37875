import { PipelineError } from "../errors.js";

/** The failure of work that a person or the supervisor stopped. `state` tells what was cleaned up and what is left. */
export function interrupted(stage: string, state: string, next: string): PipelineError {
  return new PipelineError({
    code: "INTERRUPTED",
    kind: "interrupted",
    message: `${stage} was stopped before its end.`,
    state,
    next,
  });
}

/** Runs `items` through `work`, at most `jobs` at once; the first failure ends it, after what is running has ended. */
export async function inParallel<T>(
  items: readonly T[],
  jobs: number,
  work: (item: T, worker: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failed = false;
  const worker = async (number: number) => {
    while (!failed) {
      const item = items[next++];
      if (item === undefined) return;
      try {
        await work(item, number);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: Math.max(1, jobs) }, (_, number) => worker(number)));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
