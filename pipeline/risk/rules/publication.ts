import { type Name, show } from "../names.js";
import { defineRule } from "../rule.js";
import type { RuleContext } from "../ruleContext.js";

export const publication = defineRule({
  id: "publication",
  title: "Tables are published",
  tier: "risky",
  effects: ["breaks"],
  reason:
    "Once a table is in a publication, UPDATE and DELETE of it fail unless it has a replica identity: a primary key, or one that was set. Subscribers are sent what was not meant for them, or no more what they were sent.",
  safer:
    "Name the tables (no FOR ALL TABLES, no TABLES IN SCHEMA), each with a primary key, or set REPLICA IDENTITY before.",
  versions: "10 and later",
  source: "RISKS 46; PostgreSQL manual, Logical Replication, Publication",
  boundary:
    "Adding a table that is known to have a primary key is safe: it is locked against changes of its form alone.",
  example: `CREATE PUBLICATION "all" FOR ALL TABLES;`,
  on: ["publication"],
  match({ how, adds, all }, context) {
    if (all) return { message: `${how}: tables are published, or no more, that are not named here.` };
    const without = adds.filter((table) => !hasIdentity(context, table));
    if (without.length === 0) return undefined;
    return {
      message: `${how}: UPDATE and DELETE of ${without.map(show).join(", ")} fail from then on, unless there is a primary key that is not known here.`,
    };
  },
});

function hasIdentity(context: RuleContext, table: Name): boolean {
  return [...(context.knownTable(table)?.constraints.values() ?? [])].some(({ kind }) => kind === "primary");
}
