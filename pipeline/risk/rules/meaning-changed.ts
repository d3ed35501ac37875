import { defineRule } from "../rule.js";

export const meaningChanged = defineRule({
  id: "meaning-changed",
  title: "Queries that stay as they are mean something else",
  tier: "risky",
  effects: ["breaks"],
  reason:
    "An operator, an implicit cast, a replaced aggregate or another configuration of text search changes what the running application's queries find, or makes them ambiguous; indexes and stored values were made by the old one. A constraint that is checked at another moment fails at another statement.",
  safer: "Make the new one under a name of its own, and use it from the next release on.",
  versions: "all",
  source: "RISKS 37; PostgreSQL manual, CREATE CAST, ALTER TEXT SEARCH CONFIGURATION, ALTER COLLATION",
  boundary: "A new aggregate, collation, type or configuration of text search is safe: nothing uses it yet.",
  example: `CREATE CAST (TEXT AS INTEGER) WITH INOUT AS IMPLICIT;`,
  on: ["meaning"],
  match: ({ how }) => ({ message: `${how[0]?.toUpperCase() ?? ""}${how.slice(1)}.` }),
});
