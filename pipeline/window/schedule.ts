import { Temporal } from "temporal-polyfill";
import { type WindowSettings, weekdays } from "../contracts.js";

/** A time in which migrations may be applied: from its first instant until before its last. */
export interface Opening {
  readonly from: Temporal.Instant;
  readonly to: Temporal.Instant;
}

/** Where an instant lies: in an opening, or before the next one. */
export type Place = { readonly open: boolean; readonly opening: Opening };

type Hours = Pick<WindowSettings, "timeZone" | "open">;

/** How far openings are looked for: two weeks, since clocks that are put forward may skip one of a weekly kind. */
const daysAhead = 15;

/**
 * Where an instant lies in the window.
 *
 * @returns `undefined` where no hours are set: the window is always open.
 */
export function placeOf(window: Hours, at: Date): Place | undefined {
  if (window.open.length === 0) return undefined;
  const now = Temporal.Instant.fromEpochMilliseconds(at.getTime());
  const opening = openingsFrom(window, now).find(({ to }) => Temporal.Instant.compare(now, to) < 0);
  if (opening === undefined) throw new Error(`no opening in ${daysAhead} days`);
  return { open: Temporal.Instant.compare(opening.from, now) <= 0, opening };
}

/** The openings around and after an instant in order; those that touch or overlap are one. */
function openingsFrom({ timeZone, open }: Hours, now: Temporal.Instant): Opening[] {
  const today = now.toZonedDateTimeISO(timeZone).toPlainDate();
  const all: Opening[] = [];
  // One that began yesterday may end today.
  for (let ahead = -1; ahead <= daysAhead; ahead++) {
    const day = today.add({ days: ahead });
    const name = weekdays[day.dayOfWeek - 1];
    for (const { days, from, to } of open) {
      if (name === undefined || !days.includes(name)) continue;
      const opening = {
        from: instantOf(day, from, timeZone),
        to: instantOf(to <= from ? day.add({ days: 1 }) : day, to, timeZone),
      };
      // Clocks that are put forward may skip it.
      if (Temporal.Instant.compare(opening.from, opening.to) < 0) all.push(opening);
    }
  }
  return merged(all);
}

/**
 * A time of day on a day. Where clocks are changed: a time that is skipped is that much later, one that comes twice is the
 * first of both, as in RFC 5545, 3.3.5.
 */
function instantOf(day: Temporal.PlainDate, time: string, timeZone: string): Temporal.Instant {
  const whole = time === "24:00";
  const date = whole ? day.add({ days: 1 }) : day;
  return date
    .toPlainDateTime(whole ? "00:00" : time)
    .toZonedDateTime(timeZone)
    .toInstant();
}

function merged(openings: Opening[]): Opening[] {
  const result: Opening[] = [];
  for (const next of openings.sort((a, b) => Temporal.Instant.compare(a.from, b.from))) {
    const last = result.at(-1);
    if (last === undefined || Temporal.Instant.compare(last.to, next.from) < 0) result.push(next);
    else if (Temporal.Instant.compare(last.to, next.to) < 0) result[result.length - 1] = { ...last, to: next.to };
  }
  return result;
}
