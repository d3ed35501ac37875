import type { StageContext } from "../context.js";
import type { StageRequest, WindowRecord } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { type WindowDecision, decideWindow, isAsked } from "./decide.js";
import { placeOf } from "./schedule.js";
import { measureTraffic } from "./traffic.js";

/** The environment variable that holds the reason for which a run is not held to the window. */
export const nowVariable = "SAFE_MIGRATION_NOW";

type Asking = Pick<StageRequest, "environment" | "settings" | "database">;

/**
 * Holds a run to the maintenance window; the last thing that preflight asks, so that all else is known by then.
 *
 * @throws PipelineError (`OUTSIDE_WINDOW`, `TRAFFIC`) with the next opening.
 */
export async function assertWindow(
  request: Asking,
  pending: number,
  { signal, log }: StageContext,
): Promise<WindowRecord> {
  const { window } = request.settings;
  const place = placeOf(window, new Date());
  const measured =
    window.lowTraffic !== undefined && isAsked({ window, pending }) && place?.open !== false
      ? { traffic: await measureTraffic(request.database, window.lowTraffic.sampleSeconds, signal) }
      : {};
  const record = recordOf(decideWindow({ window, pending, at: new Date(), ...measured }), request);
  if (record.override !== undefined) {
    const { reason, by } = record.override;
    log.warn(`${record.note}: run nevertheless, on the word of ${by}: ${reason}`);
  } else if (record.state === "open") {
    log.info(record.note);
  }
  return record;
}

/**
 * Asks once more before the first migration is applied: a long backup or rehearsal may have outlasted the window, or what is
 * to come would.
 *
 * @throws PipelineError (`OUTSIDE_WINDOW`)
 */
export function assertStillOpen(request: Asking, pending: number, predictedMs = 0, at = new Date()): void {
  recordOf(decideWindow({ window: request.settings.window, pending, predictedMs, at }), request);
}

function recordOf(decision: WindowDecision, { environment }: Asking): WindowRecord {
  if (decision.kind === "passed") return decision.record;
  const when = decision.code === "TRAFFIC" ? "once there is less to do" : "when it is open for long enough";
  throw new PipelineError({
    code: decision.code,
    kind: "refused",
    message: `Migrations of ${environment} are not applied now: ${decision.reason}.`,
    state: "Nothing was changed. All that was looked at before is in order.",
    next:
      `Run the same command ${when}. To run it now, for a reason that is recorded, put ${nowVariable}="WHY" before it, or: ` +
      `npm run up -- --stack ${environment} --now "WHY"`,
  });
}
