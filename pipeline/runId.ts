import { randomBytes } from "node:crypto";

/** A run's identifier: sorts by time, and is safe as a folder and as part of a database name; `20261123T085959Z-3fa9`. */
export function newRunId(now = new Date(), suffix = randomBytes(2).toString("hex")): string {
  return `${now.toISOString().replace(/[-:]|\.\d+/g, "")}-${suffix}`;
}
