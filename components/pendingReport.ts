import * as pulumi from "@pulumi/pulumi";
import { describeDecision, signs } from "../pipeline/gate/describe.js";
import { assertApproved } from "../pipeline/gate/refusal.js";
import type { Review } from "./gate.js";

/** What a preview says of the migrations to come: a line each. */
export function describePending({ pending, gate, edited, decides, against }: Review): string {
  const before = against ?? (decides ? "the stack's last verified run" : "no run of this stack so far");
  if (pending.length === 0) return `Pending migrations (against ${before}): none.`;
  const tiers = new Map(gate.decisions.map(({ assessed, tier }) => [assessed.migration, `${signs[tier]} ${tier}`]));
  const lines = pending.map(({ name, checksum }) => {
    const tier = edited.has(name) ? "edited after it was applied, preflight will refuse it" : (tiers.get(name) ?? "");
    return `  ${name}  sha256 ${checksum.slice(0, 12)}  ${tier}`;
  });
  return `Pending migrations (against ${before}): ${pending.length}\n${lines.join("\n")}`;
}

/**
 * What is above safe and is let through, with lines and the safer way, and what is missing from the folder; empty where there is
 * nothing to say.
 */
export function describeRisks({ gate, decides, missing }: Review): string {
  const said = gate.decisions.filter(({ verdict }) => {
    return verdict.kind === "passed" || verdict.kind === "approved" || (verdict.kind === "refused" && !decides);
  });
  const later = "Nothing is known of the database yet; preflight looks at it, and decides.";
  const head = !decides && !gate.passes ? [later] : [];
  const gone = missing.map(
    (name) =>
      `${name}: the last run had applied it, and the folder has it no more: unless it was rolled back since, preflight will refuse. Bring the file back.`,
  );
  const lines = [...gone, ...said.map(describeDecision)];
  return lines.length === 0 ? "" : [...head, ...lines].join("\n");
}

/**
 * Shows the migrations to come in the engine's log.
 *
 * @throws PipelineError (`RISK_NOT_APPROVED`) where the gate refuses one; it fails the preview as well as the update.
 */
export async function reportPending(environment: string, review: Review): Promise<void> {
  await pulumi.log.info(describePending(review));
  const risks = describeRisks(review);
  if (risks !== "") await pulumi.log.warn(risks);
  if (review.decides) assertApproved(environment, review.gate);
}
