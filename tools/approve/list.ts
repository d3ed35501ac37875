import type { Approval } from "../../pipeline/contracts.js";
import { type Decision, decideGate } from "../../pipeline/gate/decide.js";
import { approveCommand, describeDecision } from "../../pipeline/gate/describe.js";
import type { Known } from "./judge.js";

/** `npm run approve -- --list`: the pending migrations with what lets them through, and approvals that are of no use any more. */
export function listApprovals(environment: string, known: Known, approvals: readonly Approval[]): string {
  const { decisions } = decideGate(known.assessed, known.policy, approvals);
  const pending =
    decisions.length === 0
      ? ["No migration is pending."]
      : decisions.flatMap((decision) => [describeDecision(decision), ...commandFor(environment, decision)]);
  const names = new Set(known.assessed.map(({ migration }) => migration));
  const spent = approvals.filter(({ migration }) => !names.has(migration));
  const stale = spent.map(({ migration, tier, by, at }) => {
    const why = known.folder.includes(migration) ? "applied" : "not in the folder";
    return `  ${migration}: approved as ${tier} by ${by} on ${at.slice(0, 10)}; ${why}`;
  });
  return [
    ...pending,
    ...(stale.length === 0 ? [] : ["Approvals of the past, kept as a record; they may be removed:", ...stale]),
    "",
  ].join("\n");
}

function commandFor(environment: string, decision: Decision): string[] {
  return decision.verdict.kind === "refused" ? [`  approve: ${approveCommand(environment, decision)}`] : [];
}
