import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const replaceFunction = defineRule({
  id: "replace-function",
  title: "Function or view that is there is defined anew",
  tier: "risky",
  effects: ["breaks"],
  reason:
    "What runs now calls the function or reads the view under the same name, and gets another result from the moment the migration commits. Another function of the same name may take over calls, or make them ambiguous. A view is locked ACCESS EXCLUSIVE for an instant.",
  safer:
    "Make the new one under a new name (a version in it), release an application that uses it, and drop the old one later. Where the change must reach what runs now, try it on a copy first.",
  versions: "all",
  source: "RISKS 37, 46; measured on PostgreSQL 15: CREATE OR REPLACE VIEW takes ACCESS EXCLUSIVE on the view",
  boundary:
    "A function or view that the same migration makes, or that is defined as it was, is safe; so is ALTER FUNCTION of COST, ROWS and PARALLEL.",
  example: `CREATE FUNCTION "price"() RETURNS INTEGER LANGUAGE sql STABLE AS 'SELECT 1'; -- an earlier migration\nCREATE OR REPLACE FUNCTION "price"() RETURNS INTEGER LANGUAGE sql STABLE AS 'SELECT 2';`,
  on: ["createFunction", "alterFunction", "createView"],
  match(change, context) {
    const { state } = context;
    if (change.kind === "createView") {
      const known = state.view(change.view);
      if (known === undefined || context.isNew(known) || known.definition === change.definition) return undefined;
      return {
        message: `View ${show(change.view)} is defined anew: who reads it gets another result.`,
        effects: ["lock", "breaks"],
      };
    }
    const older = state.functions.named(change.name.name).filter((known) => !context.isNew(known));
    if (change.kind === "alterFunction") {
      if (older.length === 0 && state.functions.named(change.name.name).length > 0) return undefined;
      return {
        message: `Function ${show(change.name)} is altered (${change.how}): who calls it gets another result, or none.`,
      };
    }
    const same = state.functions.exact(change.name.name, change.signature);
    if (older.length === 0 || (same !== undefined && same.definition === change.definition)) return undefined;
    return {
      message:
        same === undefined
          ? `Another function ${show(change.name)} is made beside the one that is there: calls may go to it, or become ambiguous.`
          : `Function ${show(change.name)} is defined anew: who calls it gets another result.`,
    };
  },
});
