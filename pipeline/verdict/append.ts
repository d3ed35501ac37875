import type { StageContext } from "../context.js";
import type { BackupResult, RehearseResult, StageRequest } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { decideVerdict } from "./decide.js";
import { describeVerdict } from "./describe.js";
import { goBack } from "./goBack.js";
import { observe } from "./observe.js";

/** How long the data may be compared before a failure is told, in milliseconds. */
const limitMs = 60_000;

type Request = StageRequest & {
  readonly backup?: BackupResult | undefined;
  readonly rehearsal?: RehearseResult | undefined;
};

/**
 * A stage that, where it fails after it began to work, tells beside the failure what is there and what to do about it; and goes
 * back to what was before the run by itself, where it changed something, `migrate.onFailure` says so and nothing would be lost.
 */
export function withVerdict<R extends Request, Result>(
  run: (request: R, context: StageContext) => Promise<Result>,
): (request: R, context: StageContext) => Promise<Result> {
  return async (request, context) => {
    try {
      return await run(request, context);
    } catch (error) {
      throw await judge(error, request, context);
    }
  };
}

async function judge(error: unknown, request: Request, context: StageContext): Promise<unknown> {
  if (!(error instanceof PipelineError) || context.signal.aborted) return error;
  const changed = error.kind === "failedChanged";
  if (!changed && error.kind !== "failedUnchanged") return error;
  const { code, message, state, next } = error;
  const told = (more: Partial<{ kind: typeof error.kind; state: string; next: string; wentBack: boolean }>) =>
    new PipelineError({ code, kind: error.kind, message, state, next, ...more }, { cause: error });
  try {
    // Where nothing was changed nobody needs to go back, and no table has to be read.
    const look = { backup: request.backup?.id ?? "newest", data: changed, limitMs };
    const seen = await observe(request, context, look);
    const automatic = changed && request.backup !== undefined && request.settings.migrate.onFailure === "rollback";
    const went = automatic ? await goBack(request, context, seen, request.rehearsal) : undefined;
    // What it was before it was gone back is of the past, and comes last.
    const after =
      went === undefined ? state : went.done ? `${went.told}\nBefore that: ${state}` : `${state}\n${went.told}`;
    if (went?.done === true)
      return told({
        kind: "failedUnchanged",
        wentBack: true,
        state: after,
        next: `Mend what the message names, then run the same command.`,
      });
    const verdict = describeVerdict(decideVerdict(seen, request.environment, { code }));
    return told({ state: after, next: `${next}\n${verdict}` });
  } catch (reason) {
    const later = npmRun(request.environment, "db:verdict");
    return told({
      next: `${next}\nWhat is there could not be looked at (${messageOf(reason)}); once it can be: ${later}`,
    });
  }
}
