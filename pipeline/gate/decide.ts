import type { Approval } from "../contracts.js";
import { type FileRisk, type Tier, tiers } from "../risk/types.js";
import { type Policy, needOf } from "./policy.js";

/** A pending migration with what is known of its risk. */
export interface Assessed {
  readonly migration: string;
  /** SHA-256 of its `migration.sql`. */
  readonly checksum: string;
  readonly risk: FileRisk;
  /** What the database at hand says of it; empty where none was asked. */
  readonly evidence: readonly string[];
  /** What Prisma itself warned of when it wrote the file. */
  readonly prismaWarnings: readonly string[];
  /** No table of the database at hand holds a row. */
  readonly nothingToLose: boolean;
}

/** Why a migration is not let through. */
export type Refusal =
  | "no approval"
  | "approval is for another version of the file"
  | "approved as risky, is dangerous now"
  | "approval gives no reason";

export type Verdict =
  | { readonly kind: "safe" }
  | { readonly kind: "passed"; readonly because: "this environment asks for nothing" | "the database holds no row" }
  | { readonly kind: "approved"; readonly approval: Approval }
  | { readonly kind: "refused"; readonly why: Refusal };

export interface Decision {
  readonly assessed: Assessed;
  /** The tier that the gate went by: that of the file, or higher where ignore comments do not count. */
  readonly tier: Tier;
  readonly verdict: Verdict;
}

export interface GateDecision {
  readonly passes: boolean;
  /** One for each migration, in order. */
  readonly decisions: readonly Decision[];
}

/**
 * Whether the pending migrations may be applied: safe ones are, others need what the policy asks for. An approval holds for
 * one migration, in one version of its file, up to one tier.
 */
export function decideGate(
  migrations: readonly Assessed[],
  policy: Policy,
  approvals: readonly Approval[],
): GateDecision {
  const decisions = migrations.map((assessed): Decision => {
    const tier = countedTier(assessed.risk, policy);
    return { assessed, tier, verdict: verdictOf(assessed, tier, policy, approvals) };
  });
  return { passes: refusedOf(decisions).length === 0, decisions };
}

/** Those that are not let through. */
export function refusedOf(decisions: readonly Decision[]): Decision[] {
  return decisions.filter(({ verdict }) => verdict.kind === "refused");
}

/** The tier of a file, with what its comments ignore where the policy does not accept that. */
export function countedTier(risk: FileRisk, { ignoreComments }: Pick<Policy, "ignoreComments">): Tier {
  if (ignoreComments === "allow") return risk.tier;
  return risk.findings.reduce((tier, finding) => higher(tier, finding.tier), risk.tier);
}

export function higher(a: Tier, b: Tier): Tier {
  return isAtLeast(a, b) ? a : b;
}

export function isAtLeast(tier: Tier, floor: Tier): boolean {
  return tiers.indexOf(tier) >= tiers.indexOf(floor);
}

function verdictOf(
  { migration, checksum, nothingToLose }: Assessed,
  tier: Tier,
  policy: Policy,
  approvals: readonly Approval[],
): Verdict {
  if (tier === "safe") return { kind: "safe" };
  const need = needOf(tier, policy);
  if (need === "pass") return { kind: "passed", because: "this environment asks for nothing" };
  if (nothingToLose) return { kind: "passed", because: "the database holds no row" };
  const refused = (why: Refusal): Verdict => ({ kind: "refused", why });
  const named = approvals.filter((approval) => approval.migration === migration);
  if (named.length === 0) return refused("no approval");
  const ofVersion = named.filter((approval) => approval.checksum === checksum);
  if (ofVersion.length === 0) return refused("approval is for another version of the file");
  const highEnough = ofVersion.filter((approval) => isAtLeast(approval.tier, tier));
  if (highEnough.length === 0) return refused("approved as risky, is dangerous now");
  const approval = highEnough.find(({ reason }) => need !== "approve" || reason !== undefined);
  return approval === undefined ? refused("approval gives no reason") : { kind: "approved", approval };
}
