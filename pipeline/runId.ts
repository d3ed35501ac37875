import { randomBytes } from "node:crypto";

/** A run's identifier: sorts by time, and is safe as a folder and as part of a database name; `20261123T085959Z-3fa9`. */
export function newRunId(now = new Date(), suffix = randomBytes(2).toString("hex")): string {
  return `${now.toISOString().replace(/[-:]|\.\d+/g, "")}-${suffix}`;
}

/** When the run of an identifier that this program made began, in milliseconds since 1970; of any other: never. */
export function momentOf(run: string): number {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(run) ?? [];
  return y === undefined ? 0 : Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
}
