import type { WindowOverride, WindowRecord, WindowSettings } from "../contracts.js";
import { describeHours, describeOpening, momentIn } from "./describe.js";
import { placeOf } from "./schedule.js";

export type WindowDecision =
  | { readonly kind: "passed"; readonly record: WindowRecord }
  /** `code` and `reason` are of the failure that says so. */
  | { readonly kind: "refused"; readonly code: "OUTSIDE_WINDOW" | "TRAFFIC"; readonly reason: string };

export interface WindowQuestion {
  readonly window: WindowSettings & { readonly now?: WindowOverride };
  /** How many migrations are pending. */
  readonly pending: number;
  readonly at: Date;
  /** What the migrations will probably take, in milliseconds. Default: nothing is known. */
  readonly predictedMs?: number;
  /** Transactions a second; absent where they were not measured. */
  readonly traffic?: number;
}

/** Whether this run is held to the window, and traffic is worth measuring. */
export function isAsked({ window, pending }: Pick<WindowQuestion, "window" | "pending">): boolean {
  if (window.open.length === 0 && window.lowTraffic === undefined) return false;
  return window.appliesTo === "every" || pending > 0;
}

/** Whether a run may go on at an instant: by the window's hours, the traffic, and the word of a person. */
export function decideWindow(question: WindowQuestion): WindowDecision {
  const { window } = question;
  if (!isAsked(question)) return passed("notAsked", notAsked(question), question);
  const refusal = refusalOf(question);
  if (refusal === undefined) return passed("open", describeOpen(question), question);
  return window.now === undefined ? refusal : passed("overridden", refusal.reason, question, window.now);
}

function notAsked({ window }: WindowQuestion): string {
  return window.open.length === 0 && window.lowTraffic === undefined
    ? "no maintenance window is set"
    : "nothing is pending";
}

function refusalOf(question: WindowQuestion): Extract<WindowDecision, { kind: "refused" }> | undefined {
  const { window, at, traffic, predictedMs = 0 } = question;
  const place = placeOf(window, at);
  if (place !== undefined && !place.open) {
    const next = describeOpening(place.opening, window.timeZone, at);
    const reason = `outside the maintenance window (${describeHours(window)}); it opens ${next}`;
    return { kind: "refused", code: "OUTSIDE_WINDOW", reason };
  }
  if (place !== undefined && at.getTime() + predictedMs > place.opening.to.epochMilliseconds) {
    const closes = `the maintenance window closes at ${momentIn(place.opening.to, window.timeZone)} ${window.timeZone}`;
    const reason = `${closes}, and the migrations took ${(predictedMs / 1000).toFixed(1)} s in the rehearsal`;
    return { kind: "refused", code: "OUTSIDE_WINDOW", reason };
  }
  const most = window.lowTraffic?.transactionsPerSecond;
  if (most === undefined || traffic === undefined || traffic <= most) return undefined;
  const reason = `the database runs ${rounded(traffic)} transactions a second, and window.lowTraffic allows ${most}`;
  return { kind: "refused", code: "TRAFFIC", reason };
}

function describeOpen({ window, at }: WindowQuestion): string {
  const place = placeOf(window, at);
  if (place === undefined) return "traffic is low";
  return `the maintenance window is open until ${momentIn(place.opening.to, window.timeZone)} ${window.timeZone}`;
}

function passed(
  state: WindowRecord["state"],
  note: string,
  { traffic }: WindowQuestion,
  override?: WindowOverride,
): WindowDecision {
  const record: WindowRecord = {
    state,
    note,
    ...(override === undefined ? {} : { override }),
    ...(traffic === undefined ? {} : { transactionsPerSecond: rounded(traffic) }),
  };
  return { kind: "passed", record };
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
