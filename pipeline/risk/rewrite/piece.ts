/** A part of the series: SQL with what undoes it. */
export interface Piece {
  readonly sql: string;
  /** What undoes it; a comment where nothing has to, or SQL alone cannot. */
  readonly down: string;
  /** In a file of its own: it cannot run in a transaction. */
  readonly alone?: boolean;
}

/**
 * What becomes of one change, stage by stage. Each stage is at least one migration, so that the locks of one are gone before the
 * next begins, and the application may be released between them.
 */
export interface Staged {
  /** Part of the names of the migrations: `add`, `validate`. */
  readonly stages: ReadonlyMap<Stage, readonly Piece[]>;
  /** What the Prisma schema has to say between the first and the last migration. */
  readonly schema?: string;
}

/** In the order in which they are applied. */
export const stageNames = ["expand", "backfill", "check", "validate", "require", "contract"] as const;
export type Stage = (typeof stageNames)[number];

/** What each stage is for, as the head of its migration says it. */
export const stageTexts: Readonly<Record<Stage, string>> = {
  expand: "Makes what is new beside what is there: an instant each, and the running application goes on.",
  backfill:
    "Gives the rows that are there the new values. On a large table run it in batches first: this then finds nothing left to do.",
  check: "Holds new rows to the constraint, without reading the old ones.",
  validate: "Reads the old rows while others read and write.",
  require: "Uses what is proved now: an instant each.",
  contract: "Takes away what is old. Release it when no running application names it any more.",
};

export function staged(stages: Readonly<Partial<Record<Stage, Piece | readonly Piece[]>>>, schema?: string): Staged {
  const entries = stageNames.flatMap((stage): [Stage, readonly Piece[]][] => {
    const found = stages[stage];
    return found === undefined ? [] : [[stage, "sql" in found ? [found] : found]];
  });
  return { stages: new Map(entries), ...(schema === undefined ? {} : { schema }) };
}
