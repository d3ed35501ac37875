import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const alterDomain = defineRule({
  id: "alter-domain",
  title: "Constraint on a domain",
  tier: "risky",
  effects: ["scan", "lock", "fails"],
  reason:
    "Every column of the domain is read, in all tables, under a SHARE lock, and it fails on a value that does not hold.",
  safer: "ALTER DOMAIN … ADD CONSTRAINT … NOT VALID; VALIDATE CONSTRAINT in the next migration.",
  versions: "all",
  source: "RISKS 8, 13",
  boundary: "NOT VALID, DROP CONSTRAINT, defaults, and a domain that the same migration makes are safe.",
  example: `ALTER DOMAIN "email" ADD CONSTRAINT "at" CHECK (VALUE LIKE '%@%');`,
  on: ["alterDomain"],
  match({ type, how }, context) {
    if (how === "other" || how === "validate" || context.isNew(context.state.type(type))) return undefined;
    return { message: `Every column of domain ${show(type)} is read, and it fails on a value that does not hold.` };
  },
});
