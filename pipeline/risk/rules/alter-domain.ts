import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const alterDomain = defineRule({
  id: "alter-domain",
  title: "Constraint on a domain",
  tier: "risky",
  effects: ["scan", "lock", "fails"],
  reason:
    "Every column of the domain is read, in all tables, under a SHARE lock, which keeps writers waiting, and it fails on a value that does not hold. VALIDATE CONSTRAINT of a domain takes that lock too.",
  safer:
    "ALTER DOMAIN … ADD CONSTRAINT … NOT VALID, which reads nothing; VALIDATE CONSTRAINT in a migration of its own, at a quiet time: it reads under a SHARE lock as well.",
  versions: "all",
  source: "RISKS 8, 13",
  boundary:
    "NOT VALID, defaults, DROP NOT NULL, and a domain that the same migration makes are safe; so is one that no column of the known history has.",
  example: `ALTER DOMAIN "email" ADD CONSTRAINT "at" CHECK (VALUE LIKE '%@%');`,
  on: ["alterDomain"],
  match({ type, how }, context) {
    if (how === "other" || context.isNew(context.state.type(type))) return undefined;
    if (how === "dropConstraint")
      return {
        message: `A constraint of domain ${show(type)} is dropped: nothing holds new values to it.`,
        effects: ["breaks"],
      };
    return { message: `Every column of domain ${show(type)} is read, and it fails on a value that does not hold.` };
  },
});
