import { PipelineError } from "../errors.js";
import { type GateDecision, refusedOf } from "./decide.js";
import { approveCommands, describeDecision } from "./describe.js";

/** Code of the failure below. */
const notApprovedCode = "RISK_NOT_APPROVED";

/** @throws PipelineError (`refused`) with each migration that is not let through: reason, safer way, command. */
export function assertApproved(environment: string, { passes, decisions }: GateDecision): void {
  if (passes) return;
  const refused = refusedOf(decisions);
  const what = refused.length === 1 ? "1 pending migration is" : `${refused.length} pending migrations are`;
  throw new PipelineError({
    code: notApprovedCode,
    kind: "refused",
    message: `${what} not let through on ${environment}:\n${refused.map(describeDecision).join("\n")}`,
    state: "Nothing was touched.",
    next:
      "Do it the safer way, in other migrations; or, where the risk is known and accepted, approve this version of the file and run the " +
      `same command:\n${approveCommands(environment, refused)}`,
  });
}
