import type { Effect } from "../risk/types.js";

/**
 * Bytes in a second that a server reads, or reads and writes anew with its indexes and log: of a cloud volume of middling speed (gp3:
 * 125 MiB/s both ways). An order of magnitude, for a person to tell an instant from a night; the rehearsal measures.
 */
const bytesPerSecond = { scan: 100 * 1024 ** 2, rewrite: 25 * 1024 ** 2 } as const;

/** How long a table of this size is held by what has these effects, as people say it; `undefined`: an instant. */
export function describeDuration(effects: readonly Effect[], bytes: number): string | undefined {
  const kind = effects.includes("rewrite") ? "rewrite" : effects.includes("scan") ? "scan" : undefined;
  if (kind === undefined) return undefined;
  const seconds = bytes / bytesPerSecond[kind];
  const what = kind === "rewrite" ? "writing it anew" : "reading it";
  return `${what} takes ${roughly(seconds)}`;
}

function roughly(seconds: number): string {
  if (seconds < 1) return "less than a second";
  if (seconds < 90) return `about ${Math.round(seconds)} s`;
  if (seconds < 90 * 60) return `about ${Math.round(seconds / 60)} min`;
  return `about ${Math.round(seconds / 3600)} h`;
}
