import type { Measured } from "../contracts.js";
import type { RunEvidence } from "./evidence.js";

/** What was measured in a run, in order: while migrations were applied and while they were taken back, also where that failed. */
export function measuredIn({
  stages,
  results: { migrate, rollback },
}: Pick<RunEvidence, "stages" | "results">): Measured[] {
  const done: Measured[] = [
    ...(migrate?.availability === undefined
      ? []
      : [{ during: "migrate", availability: migrate.availability } as const]),
    ...(rollback?.availability === undefined
      ? []
      : [{ during: "rollback", availability: rollback.availability } as const]),
  ];
  return stages.flatMap(({ name, measured = [] }) => [...measured, ...done.filter(({ during }) => during === name)]);
}

/** The figures of a run in all. */
export interface Served {
  readonly requests: number;
  readonly refused: number;
  /** Time in which the application was refused, in milliseconds. */
  readonly refusedMs: number;
  /** The longest time at once, in milliseconds. */
  readonly longestRefusedMs: number;
  /** What each part was allowed, in milliseconds. */
  readonly budgetMs: number;
  /** No part was without service for as long as that. */
  readonly withinBudget: boolean;
}

/** @returns `undefined` where nothing was measured. */
export function servedIn(evidence: Pick<RunEvidence, "stages" | "results">): Served | undefined {
  const parts = measuredIn(evidence).map(({ availability }) => availability);
  if (parts.length === 0) return undefined;
  const sum = (of: (part: (typeof parts)[number]) => number) => parts.reduce((total, part) => total + of(part), 0);
  return {
    requests: sum(({ requests }) => requests),
    refused: sum(({ refused }) => refused),
    refusedMs: sum(({ refusedMs }) => refusedMs),
    longestRefusedMs: Math.max(...parts.map(({ longestRefusedMs }) => longestRefusedMs)),
    budgetMs: Math.max(...parts.map(({ budgetMs }) => budgetMs)),
    withinBudget: parts.every(({ refusedMs, budgetMs }) => refusedMs < budgetMs),
  };
}
