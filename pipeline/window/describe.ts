import type { Temporal } from "temporal-polyfill";
import type { WindowSettings } from "../contracts.js";
import type { Opening } from "./schedule.js";

/** The hours as they are configured: `mon, tue 02:00–05:00, America/Bogota`. */
export function describeHours({ open, timeZone }: Pick<WindowSettings, "open" | "timeZone">): string {
  const hours = open.map(({ days, from, to }) => `${days.length === 7 ? "every day" : days.join(", ")} ${from}–${to}`);
  return `${hours.join("; ")}, ${timeZone}`;
}

/** An opening on the window's own clock, with the waiting time from now: `Thu 26 Nov 2026, 02:00 to 05:00 (in 3 h 12 min)`. */
export function describeOpening({ from, to }: Opening, timeZone: string, now: Date): string {
  const wait = from.epochMilliseconds - now.getTime();
  const sameDay = dayIn(from, timeZone) === dayIn(to, timeZone);
  const end = `${sameDay ? "" : `${dayIn(to, timeZone)}, `}${clockIn(to, timeZone)}`;
  return `${momentIn(from, timeZone)} to ${end} ${timeZone}${wait > 0 ? ` (in ${describeWait(wait)})` : ""}`;
}

/** An instant on a time zone's clock: `Thu 26 Nov 2026, 02:00`. */
export function momentIn(instant: Temporal.Instant, timeZone: string): string {
  return `${dayIn(instant, timeZone)}, ${clockIn(instant, timeZone)}`;
}

function dayIn({ epochMilliseconds }: Temporal.Instant, timeZone: string): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
  }).formatToParts(epochMilliseconds);
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((one) => one.type === type)?.value ?? "";
  return `${part("weekday")} ${part("day")} ${part("month")} ${part("year")}`;
}

function clockIn({ epochMilliseconds }: Temporal.Instant, timeZone: string): string {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return format.format(epochMilliseconds);
}

/** @param ms milliseconds; rounded up to a minute. */
function describeWait(ms: number): string {
  const minutes = Math.ceil(ms / 60_000);
  const parts = [
    [Math.floor(minutes / 1_440), "d"],
    [Math.floor(minutes / 60) % 24, "h"],
    [minutes % 60, "min"],
  ] as const;
  return parts
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(" ");
}
