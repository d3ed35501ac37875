import type { Targets } from "../contracts.js";
import type { RunEvidence } from "./evidence.js";

/** A run's evidence with what it is held against. */
export interface Aimed extends RunEvidence {
  readonly targets: Targets;
}

export interface AgainstTarget {
  /** `complex`: a migration that was pending is risky or dangerous. */
  readonly kind: "simple" | "complex";
  readonly targetMs: number;
  readonly met: boolean;
}

/** From the beginning of a run's first stage to the end of its last. */
export function spanOfRun({ stages }: Pick<RunEvidence, "stages">): { started: number; ended: number; ms: number } {
  const started = Math.min(...stages.map((stage) => stage.started));
  const ended = Math.max(...stages.map((stage) => stage.started + stage.durationMs));
  return stages.length === 0 ? { started: 0, ended: 0, ms: 0 } : { started, ended, ms: ended - started };
}

/** The run's time against what is aimed at; `undefined` where nothing was pending. */
export function againstTarget({
  stages,
  results: { preflight },
  targets,
}: Pick<Aimed, "stages" | "results" | "targets">): AgainstTarget | undefined {
  if (preflight === undefined || preflight.pending.length === 0) return undefined;
  const kind = (preflight.risks?.length ?? 0) > 0 ? "complex" : "simple";
  const targetMs = 60_000 * (kind === "simple" ? targets.simpleMinutes : targets.complexMinutes);
  return { kind, targetMs, met: spanOfRun({ stages }).ms <= targetMs };
}
