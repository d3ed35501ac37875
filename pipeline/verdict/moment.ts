import type { StageContext } from "../context.js";
import type { Observed, StageRequest } from "../contracts.js";
import { messageOf } from "../errors.js";
import type { HistoryRow } from "../prisma/history.js";
import { readBaseBackups } from "../recovery/archive.js";
import { baseFor } from "../recovery/moment.js";
import { keptBy } from "../recovery/stanza.js";

/** How long pgBackRest may take to say what it has, in milliseconds. */
const patienceMs = 30_000;

/**
 * The last moment at which nothing of these attempts was there, where the server's log is kept: just before the first of them, by what
 * Prisma's history says of it.
 *
 * @param rows what was applied since the backup, and what failed and may be there in part.
 */
export async function findMoment(
  { database }: Pick<StageRequest, "database">,
  { signal }: Pick<StageContext, "signal">,
  rows: readonly Pick<HistoryRow, "name" | "startedAt">[],
): Promise<Observed["moment"]> {
  const by = keptBy(database);
  const [first] = [...rows].sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
  if (by === undefined || first === undefined) return undefined;
  const at = momentBefore(first.startedAt, by);
  const moment = { at: at.toISOString(), before: first.name, by };
  if (database.archive === undefined) return moment;
  try {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
    baseFor(at, await readBaseBackups(database.archive.stanza, limited), new Date());
    return moment;
  } catch (error) {
    signal.throwIfAborted();
    return { ...moment, trouble: messageOf(error) };
  }
}

/**
 * A millisecond before: Prisma's time has microseconds. RDS recovers to whole seconds, and its clock is another than that of the host
 * that wrote the time.
 */
export function momentBefore(startedAt: Date, by: NonNullable<ReturnType<typeof keptBy>>): Date {
  const ms = startedAt.getTime();
  return new Date(by === "archive" ? ms - 1 : Math.floor(ms / 1_000) * 1_000 - 1_000);
}
