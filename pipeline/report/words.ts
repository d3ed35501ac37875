/** A stage in the middle of a sentence. */
export function stageWords(stage: string): string {
  return stage === "rehearse" ? "the rehearsal" : stage;
}

/** A narrow space between groups of three digits, which no line is broken at. */
export function number(value: number): string {
  const [whole = "", fraction] = String(value).split(".");
  const grouped = whole.length < 5 ? whole : whole.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

const units = ["B", "kB", "MB", "GB", "TB"];

/** A size to three digits, in decimal units: `12.3 MB`. */
export function bytes(value: number): string {
  let size = value;
  let unit = 0;
  while (Math.abs(size) >= 999.5 && unit < units.length - 1) {
    size /= 1_000;
    unit++;
  }
  const digits = unit === 0 || Math.abs(size) >= 99.5 ? 0 : Math.abs(size) >= 9.95 ? 1 : 2;
  return `${size.toFixed(digits)}\u00a0${units[unit] ?? ""}`;
}

/** A span of time to what matters of it: `12 ms`, `4.2 s`, `3 min 12 s`, `2 h 5 min`. @param ms milliseconds. */
export function span(ms: number): string {
  const part = (value: number, unit: string) => `${value}\u00a0${unit}`;
  if (ms < 999.5) return part(Math.round(ms), "ms");
  if (ms < 59_950) return part(Math.round(ms / 100) / 10, "s");
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) {
    const rest = seconds % 60;
    return rest === 0 ? part(seconds / 60, "min") : `${part(Math.floor(seconds / 60), "min")} ${part(rest, "s")}`;
  }
  const minutes = Math.round(seconds / 60);
  if (minutes < 2 * 1_440) {
    const rest = minutes % 60;
    return rest === 0 ? part(minutes / 60, "h") : `${part(Math.floor(minutes / 60), "h")} ${part(rest, "min")}`;
  }
  return part(Math.round(minutes / 1_440), "d");
}

/** A share in percent with as many digits as tell it from 100 %: `99.9 %`. */
export function percent(share: number): string {
  const value = share * 100;
  if (value === 100 || value === 0) return `${value}\u00a0%`;
  // Rounded down: what is not all of it must not read as all of it.
  const digits = value > 99.99 ? 4 : value > 99 ? 2 : 0;
  return `${Math.floor(value * 10 ** digits) / 10 ** digits}\u00a0%`;
}

/** Date and time of day in UTC: `2026-11-25 02:00:41`. */
export function moment(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}
