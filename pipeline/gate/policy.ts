import type { Settings } from "../contracts.js";
import type { Tier } from "../risk/types.js";

/** What lets a migration of a tier through. `approve` is `acknowledge` with a reason. */
export type Need = "pass" | "acknowledge" | "approve";

/** What this environment asks for. */
export interface Policy {
  readonly risky: Need;
  readonly dangerous: Need;
  readonly ignoreComments: "allow" | "refuse";
}

/** Environments whose data may be thrown away: there findings are shown and nothing is asked. */
const waving: ReadonlySet<string> = new Set(["local", "dev"]);

/** The policy of an environment; an environment that is not known is asked as prod is. */
export function policyOf(
  environment: string,
  { risky, dangerous, ignoreComments }: Pick<Settings["risk"], "risky" | "dangerous" | "ignoreComments">,
): Policy {
  const waves = waving.has(environment);
  return {
    risky: risky === "byEnvironment" ? (waves ? "pass" : "acknowledge") : risky,
    dangerous: dangerous === "byEnvironment" ? (waves ? "pass" : "approve") : dangerous,
    ignoreComments,
  };
}

export function needOf(tier: Tier, policy: Policy): Need {
  return tier === "safe" ? "pass" : policy[tier];
}

const strictness: readonly Need[] = ["pass", "acknowledge", "approve"];

/** What is wrong with a policy in itself: dangerous asks for less than risky. */
export function policyMistake({ risky, dangerous }: Policy): string | undefined {
  return strictness.indexOf(dangerous) < strictness.indexOf(risky)
    ? `risk.dangerous asks for less (${dangerous}) than risk.risky does (${risky}): set risk.dangerous to ${risky} or approve`
    : undefined;
}
