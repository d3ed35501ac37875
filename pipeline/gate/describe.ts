import type { RiskFinding } from "../risk/types.js";
import { type Decision, type Verdict, refusedOf } from "./decide.js";

/** The colours of the plan's three lists. */
export const signs = { safe: "🟢", risky: "🟡", dangerous: "🔴" } as const;

/** One migration with its risk for a person: tier and verdict, then each finding with its line and the safer way. */
export function describeDecision({ assessed, tier, verdict }: Decision): string {
  const { migration, risk, evidence, prismaWarnings } = assessed;
  const head = `${signs[tier]} ${migration}: ${tier}${verdict.kind === "safe" ? "" : `, ${describeVerdict(verdict)}`}`;
  const lines = [
    ...risk.findings.flatMap(describeFinding),
    ...evidence.map((text) => `  database: ${text}`),
    ...prismaWarnings.map((text) => `  Prisma: ${text}`),
    ...risk.unknowns.map((text) => `  not known: ${text}`),
  ];
  return [head, ...lines].join("\n");
}

export function describeVerdict(verdict: Verdict): string {
  switch (verdict.kind) {
    case "safe":
      return "safe";
    case "passed":
      return `let through: ${verdict.because}`;
    case "approved": {
      const { tier, by, at, reason } = verdict.approval;
      return `approved as ${tier} by ${by} on ${at.slice(0, 10)}${reason === undefined ? "" : ` (${reason})`}`;
    }
    case "refused":
      return `refused: ${verdict.why}`;
  }
}

function describeFinding({ line, tier, rule, message, safer, ignored }: RiskFinding): string[] {
  const answer = ignored === undefined ? [] : [`    ignored: ${ignored.reason}`];
  const place = line === 0 ? "as a whole" : `line ${line}`;
  return [`  ${place}: ${tier}, ${rule}: ${message}`, ...answer, ...(safer === "" ? [] : [`    safer: ${safer}`])];
}

/** The command that lets a migration through, for one who has looked at it. */
export function approveCommand(environment: string, { assessed, tier }: Decision): string {
  return `npm run approve -- --stack ${environment} ${assessed.migration} --tier ${tier} --reason "WHY"`;
}

/** The commands for all that are refused, one a line. */
export function approveCommands(environment: string, decisions: readonly Decision[]): string {
  return refusedOf(decisions)
    .map((decision) => approveCommand(environment, decision))
    .join("\n");
}
