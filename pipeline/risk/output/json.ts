import type { FileRisk } from "../types.js";

/** One array, one entry a file; what could not be known and what is ignored only where there is such. */
export function renderJson(risks: readonly FileRisk[]): string {
  return JSON.stringify(
    risks.map(({ file, tier, effects, findings, unknowns }) => ({
      file,
      tier,
      effects,
      findings: findings.map(({ rule, tier: own, line, message, safer, effects: does, ignored }) => ({
        rule,
        tier: own,
        line,
        message,
        safer,
        effects: does,
        ...(ignored === undefined ? {} : { ignored }),
      })),
      ...(unknowns.length > 0 ? { unknowns } : {}),
    })),
  );
}
