import type { Observed } from "./oracle.js";

/** What both a tool and the oracle can tell of a file. */
export const effects = ["rewrite", "drop", "scan"] as const;
export type MeasuredEffect = (typeof effects)[number];

/** What a tool says of a file, as far as the oracle can tell. */
export interface Claim {
  readonly name: string;
  readonly effects: ReadonlySet<MeasuredEffect>;
}

export interface Figures {
  readonly tool: string;
  readonly effect: MeasuredEffect;
  /** Files of which the tool says so and PostgreSQL did. */
  readonly hits: number;
  /** Says so, and PostgreSQL did not. */
  readonly wrong: readonly string[];
  /** PostgreSQL did, and the tool does not say so. */
  readonly missed: readonly string[];
  /** 1 where the tool says nothing. */
  readonly precision: number;
  /** 1 where there was nothing to find. */
  readonly recall: number;
}

/** Precision and recall by file, over the files that PostgreSQL applied. */
export function figuresOf(
  tool: string,
  effect: MeasuredEffect,
  claims: readonly Claim[],
  observed: readonly Observed[],
): Figures {
  const said = new Map(claims.map((claim) => [claim.name, claim.effects.has(effect)]));
  const applied = observed.filter((file) => file.applied);
  const pick = (says: boolean, does: boolean) =>
    applied
      .filter((file) => (said.get(file.name) === true) === says && did(file, effect) === does)
      .map(({ name }) => name);
  const hits = pick(true, true).length;
  const wrong = pick(true, false);
  const missed = pick(false, true);
  return {
    tool,
    effect,
    hits,
    wrong,
    missed,
    precision: hits + wrong.length === 0 ? 1 : hits / (hits + wrong.length),
    recall: hits + missed.length === 0 ? 1 : hits / (hits + missed.length),
  };
}

/** A table that is written anew is read for it. */
export function did(file: Observed, effect: MeasuredEffect): boolean {
  switch (effect) {
    case "rewrite":
      return file.rewrote.length > 0;
    case "drop":
      return file.dropped.length > 0;
    case "scan":
      return file.scanned.length > 0;
  }
}
