import type { Name } from "../names.js";

/** A part of the series: SQL with what undoes it. */
export interface Piece {
  readonly sql: string;
  /** What undoes it; a comment where nothing has to, or SQL alone cannot. */
  readonly down: string;
  /** In a file of its own, as it cannot run in a transaction or must not wait for what else is there. */
  readonly alone?: boolean;
  /** The column that it gives values to, row by row. */
  readonly fills?: { readonly table: Name; readonly column: string };
}

/** The comment that tells the rehearsal what a piece is meant to do to values that are there (docs/rehearsal.md). */
export function declaring(effect: "changes" | "drops", table: string, column: string): string {
  return `-- ${effect}: ${table}.${column}`;
}

/**
 * What becomes of one change, stage by stage. Each stage is at least one migration, so that the locks of one are gone before the
 * next begins, and the application may be released between them.
 */
export interface Staged {
  /** Part of the names of the migrations: `add`, `validate`. */
  readonly stages: ReadonlyMap<Stage, readonly Piece[]>;
  /** From this stage on it breaks the application that runs now: to be held for a later release. */
  readonly holdFrom?: Stage;
}

/** In the order in which they are applied. */
export const stageNames = ["expand", "backfill", "check", "validate", "require", "contract", "finish"] as const;
export type Stage = (typeof stageNames)[number];

/** What each stage is for, as the head of its migration says it. */
export const stageTexts: Readonly<Record<Stage, string>> = {
  expand: "Makes what is new beside what is there: an instant each, and the running application goes on.",
  backfill:
    "Gives the rows that are there the new values. On a large table run it in batches first: this then finds nothing left to do. If triggers of the table change more than that, the rehearsal says what to declare.",
  check: "Holds new rows to the constraint, without reading the old ones.",
  validate: "Reads the old rows while others read and write.",
  require: "Uses what is proved now: an instant each.",
  contract: "Takes away what is old. Release it when no running application names it any more.",
  finish: "Adds what stands on the columns that have taken over.",
};

/** All of it after the columns have taken over, in the same order, each stage a migration of its own. */
export function postponed({ stages }: Staged): Staged {
  const pieces = stageNames.flatMap((stage) => stages.get(stage) ?? []);
  return { stages: new Map([["finish", pieces.map((piece) => ({ ...piece, alone: true }))]]) };
}

export function staged(
  stages: Readonly<Partial<Record<Stage, Piece | readonly Piece[]>>>,
  options: { readonly holdFrom?: Stage } = {},
): Staged {
  const entries = stageNames.flatMap((stage): [Stage, readonly Piece[]][] => {
    const found = stages[stage];
    return found === undefined ? [] : [[stage, "sql" in found ? [found] : found]];
  });
  return { stages: new Map(entries), ...options };
}
