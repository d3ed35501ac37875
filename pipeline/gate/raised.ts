import type { MigrationRef, RehearseResult, StageRequest } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { type Assessed, decideGate, refusedOf } from "./decide.js";
import { approveCommands, describeDecision } from "./describe.js";
import { policyOf } from "./policy.js";

/** The rule of a finding that the rehearsal makes; described in `docs/rehearsal.md`. */
const rehearsalRule = "rehearsal";

/**
 * Holds the pending migrations to the gate once more, where the rehearsal showed that they are graver than what was asked for. What
 * it showed to be less grave changes nothing: it was asked for, and answered, by preflight.
 *
 * @throws PipelineError (`refused`) where there is no approval up to the tier that was measured.
 */
export function assertEvidenceApproved(
  { environment, settings }: Pick<StageRequest, "environment" | "settings">,
  rehearsal: RehearseResult,
  pending: readonly MigrationRef[],
): void {
  if (rehearsal.verdict === "skipped") return;
  const names = new Set(pending.map(({ name }) => name));
  const raised = rehearsal.migrations.flatMap(({ name, checksum, evidence }): Assessed[] => {
    if (!names.has(name) || evidence?.verdict !== "raised") return [];
    const findings = evidence.raises.map(({ tier, line, message }) => ({
      ...{ rule: rehearsalRule, tier, line, message, effects: [] },
      safer: "npm run risk shows the way that does not block, and --rewrite writes it out.",
    }));
    const risk = { file: name, tier: evidence.tier, effects: [], findings, unknowns: [] };
    const known = [`it was ${evidence.asked} before it was measured`];
    return [{ migration: name, checksum, risk, evidence: known, prismaWarnings: [], nothingToLose: false }];
  });
  const { decisions } = decideGate(raised, policyOf(environment, settings.risk), settings.risk.approvals);
  const refused = refusedOf(decisions);
  if (refused.length === 0) return;
  throw new PipelineError({
    code: "RAISED_BY_REHEARSAL",
    kind: "refused",
    message: `The rehearsal showed more risk than was answered for on ${environment}:\n${refused.map(describeDecision).join("\n")}`,
    state: "The database was not touched: it was measured on the restored copy.",
    next:
      "Do it the safer way, in other migrations; or, where that is accepted, approve this version of the file and run the same command:\n" +
      approveCommands(environment, refused),
  });
}
