import type { LastRun } from "../../components/lastRun.js";
import type { Approval } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { type Assessed, countedTier, higher } from "../../pipeline/gate/decide.js";
import { type Policy, needOf } from "../../pipeline/gate/policy.js";

export interface Asked {
  readonly environment: string;
  /** Name of the migration, as it was typed. */
  readonly name: string;
  /** The tier that a person named: that of the database's evidence, which is not known here. */
  readonly tier: Approval["tier"] | undefined;
  readonly reason: string | undefined;
}

export interface Known {
  readonly policy: Policy;
  readonly last: LastRun | undefined;
  /** Names of the folder's migrations. */
  readonly folder: readonly string[];
  /** Those that are not applied, as far as the stack's outputs tell. */
  readonly assessed: readonly Assessed[];
}

/**
 * What an approval is to be given for.
 *
 * @throws PipelineError (`usage`) for a name that is not known, applied already or needs none, and where a reason is missing.
 */
export function judge(asked: Asked, known: Known): Pick<Approval, "migration" | "checksum" | "tier" | "reason"> {
  const { name, environment, reason } = asked;
  if (known.last?.migrations.some((applied) => applied.name === name) === true) {
    throw refused(
      `${name} is already applied on ${environment}: an approval would come too late.`,
      "See what is pending: npm run approve -- --list",
    );
  }
  const found = known.assessed.find(({ migration }) => migration === name);
  if (found === undefined) throw unknownName(name, known);
  const own = countedTier(found.risk, known.policy);
  const tier = asked.tier === undefined ? own : higher(own, asked.tier);
  if (tier === "safe") {
    throw refused(
      `${name} is safe and needs none.`,
      `If preflight refused it for what the database holds, add the tier that it named: --tier risky`,
    );
  }
  const need = needOf(tier, known.policy);
  if (need === "pass") {
    throw refused(
      `${name} is ${tier}, and ${environment} asks for nothing there (risk.${tier}: pass).`,
      "Run the update.",
    );
  }
  if (need === "approve" && reason === undefined) {
    throw refused(
      `${name} is ${tier}, and ${environment} asks why it is approved all the same.`,
      `Run the same command with --reason "WHY".`,
    );
  }
  return { migration: name, checksum: found.checksum, tier, ...(reason === undefined ? {} : { reason }) };
}

function unknownName(name: string, { assessed, folder }: Known): PipelineError {
  const pending = assessed.map(({ migration }) => migration);
  const near = folder.filter((other) => other.includes(name) || other.replace(/^\d+_/, "") === name);
  const hint = near.length > 0 ? near.join(", ") : pending.length > 0 ? pending.join(", ") : "none is pending";
  return refused(
    `There is no migration "${name}" in the folder.`,
    `Give its whole name${near.length > 0 ? "; near it" : "; pending"}: ${hint}`,
  );
}

function refused(message: string, next: string): PipelineError {
  return new PipelineError({ code: "NOT_TO_APPROVE", kind: "usage", message, state: "Nothing was written.", next });
}
