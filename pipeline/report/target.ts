import type { RunEvidence } from "./evidence.js";

/** The plan's aims for a run's time, in milliseconds ("Métricas de éxito"). */
export const targets = { simple: 5 * 60_000, complex: 30 * 60_000 } as const;
/** The plan's aim for the time in which the application is refused, in milliseconds. */
export const downtimeTarget = 5 * 60_000;
/** The plan's aim for the share of time in which the application is served. */
export const availabilityTarget = 0.999;

export interface AgainstTarget {
  /** `complex`: a migration that was pending is risky or dangerous. */
  readonly kind: keyof typeof targets;
  readonly targetMs: number;
  readonly met: boolean;
}

/** From the beginning of a run's first stage to the end of its last. */
export function spanOfRun({ stages }: Pick<RunEvidence, "stages">): { started: number; ended: number; ms: number } {
  const started = Math.min(...stages.map((stage) => stage.started));
  const ended = Math.max(...stages.map((stage) => stage.started + stage.durationMs));
  return stages.length === 0 ? { started: 0, ended: 0, ms: 0 } : { started, ended, ms: ended - started };
}

/** The run's time against the plan's aim; `undefined` where nothing was pending. */
export function againstTarget(evidence: Pick<RunEvidence, "stages" | "results">): AgainstTarget | undefined {
  const { preflight } = evidence.results;
  if (preflight === undefined || preflight.pending.length === 0) return undefined;
  const kind = (preflight.risks?.length ?? 0) > 0 ? "complex" : "simple";
  const targetMs = targets[kind];
  return { kind, targetMs, met: spanOfRun(evidence).ms <= targetMs };
}
