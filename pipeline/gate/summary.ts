import type { RiskSummary } from "../contracts.js";
import type { Decision } from "./decide.js";
import { describeVerdict } from "./describe.js";

/** How many findings, texts of evidence and so on of one migration are kept in a result. */
const kept = 20;
/** Characters of one text. */
const longest = 500;

/** The decisions above safe, short enough for a stack's state. */
export function summarise(decisions: readonly Decision[]): RiskSummary[] {
  return decisions.flatMap(({ assessed, tier, verdict }): RiskSummary[] => {
    if (verdict.kind === "safe") return [];
    const { findings, unknowns } = assessed.risk;
    return [
      {
        migration: assessed.migration,
        checksum: assessed.checksum,
        tier,
        verdict: verdict.kind,
        why: describeVerdict(verdict),
        findings: findings.slice(0, kept).map(({ rule, tier: own, line, message, safer, ignored }) => ({
          rule,
          tier: own,
          line,
          message: short(message),
          safer: short(safer),
          ...(ignored === undefined ? {} : { ignored: short(ignored.reason) }),
        })),
        omitted: Math.max(0, findings.length - kept),
        evidence: assessed.evidence.slice(0, kept).map(short),
        prismaWarnings: assessed.prismaWarnings.slice(0, kept).map(short),
        unknowns: unknowns.slice(0, kept).map(short),
      },
    ];
  });
}

function short(text: string): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
