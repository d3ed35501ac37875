import { messageOf } from "../pipeline/errors.js";
import { momentOf } from "../pipeline/runId.js";
import { openStore } from "../pipeline/store/open.js";
import { readRefreshed } from "../pipeline/store/refreshed.js";
import type { LastRun } from "./lastRun.js";

/** What a stack's last run left, with what a refresh of its data has changed since. */
export interface Known {
  readonly last: LastRun | undefined;
  /** By what a preview counts migrations as pending, where that is not the last run; see `Review.against`. */
  readonly against?: string;
  /** What is to be said of it. */
  readonly warning?: string;
}

/**
 * A refresh (docs/refresh.md) gives an environment another one's history of migrations. The stack's outputs know nothing of it; the
 * store does, which is only read. Where it cannot be read from here, that is said.
 */
export async function sinceRefresh(environment: string, last: LastRun | undefined): Promise<Known> {
  if (last?.store === undefined) return { last };
  try {
    const refreshed = await readRefreshed(openStore(last.store), environment);
    if (refreshed === undefined || Date.parse(refreshed.at) < momentOf(last.run)) return { last };
    const { at, source, backup, applied } = refreshed;
    return {
      // Another key than any: with pipeline.run "onChange", too, there is something to do.
      last: { ...last, key: `refreshed ${at}`, migrations: applied },
      against: `the data of backup ${backup} of "${source}", which it was refreshed with at ${at}`,
    };
  } catch (error) {
    return {
      last,
      warning: `Whether "${environment}" was refreshed since its last run (${last.run}) is not known: its store cannot be read from here (${messageOf(error)}). If it was, more is pending than this says; the next run finds out.`,
    };
  }
}
