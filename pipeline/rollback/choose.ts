import { PipelineError } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { type HistoryRow, appliedRows } from "../prisma/history.js";

/** What is asked for: so many migrations, or all that were applied after one. */
export interface Extent {
  readonly steps?: number | undefined;
  readonly to?: string | undefined;
}

/**
 * The migrations that are taken back, in that order: the one that was applied last comes first.
 *
 * @param rows Prisma's history, in the order of its attempts.
 * @throws PipelineError (`usage`) where they are named in two ways, or are not there.
 */
export function chooseTakenBack(rows: readonly HistoryRow[], { steps, to }: Extent, environment: string): HistoryRow[] {
  const applied = appliedRows(rows);
  const names = applied.map(({ name }) => name);
  const wrong = (message: string, next: string) =>
    new PipelineError({ code: "ROLLBACK_EXTENT", kind: "usage", message, state: "Nothing was touched.", next });
  const look = `See what is applied: ${npmRun(environment, "prisma:migrate:status")}`;
  if (steps !== undefined && to !== undefined)
    throw wrong(`--steps ${steps} and --to ${to} say it in two ways.`, "Give one of them, then run the same command.");
  if (to === undefined) {
    const count = steps ?? 1;
    if (count > applied.length)
      throw wrong(`${count} migration(s) are to be taken back, and ${applied.length} are applied.`, look);
    return applied.slice(applied.length - count).reverse();
  }
  const at = names.lastIndexOf(to);
  if (at < 0)
    throw wrong(`"${to}" is not applied; the newest that are: ${names.slice(-5).join(", ") || "none"}.`, look);
  if (at === names.length - 1) throw wrong(`"${to}" is the newest migration: there is nothing after it.`, look);
  return applied.slice(at + 1).reverse();
}
