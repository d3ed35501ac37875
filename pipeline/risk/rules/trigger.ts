import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const trigger = defineRule({
  id: "trigger",
  title: "Trigger or rule on a table with data",
  tier: "risky",
  effects: ["lock", "breaks"],
  reason:
    "It takes a SHARE ROW EXCLUSIVE lock (dropping: ACCESS EXCLUSIVE), and every write of the running application does something else from then on. A disabled trigger may be what keeps the data right: foreign keys are triggers too.",
  safer: "Make it in a migration of its own with a short lock timeout; release an application that knows of it first.",
  versions: "all",
  source: "RISKS 43",
  boundary: "On a table that the same migration makes it is safe; so is CREATE FUNCTION alone.",
  example: `CREATE TRIGGER "touch" BEFORE UPDATE ON "User" FOR EACH ROW EXECUTE FUNCTION touch();`,
  on: ["createTrigger", "alterTrigger", "drop"],
  match(change, context) {
    if (change.kind === "createTrigger")
      return { message: `Trigger or rule "${change.trigger.name}" on ${show(change.table)} is created.` };
    if (change.kind === "alterTrigger") return { message: `${change.how} on ${show(change.table)}.` };
    if ((change.object !== "trigger" && change.object !== "rule") || change.table === undefined) return undefined;
    if (change.ifExists && context.isAbsent(change.table, context.state.tables)) return undefined;
    return {
      message: `${change.object === "rule" ? "Rule" : "Trigger"} "${change.name.name}" on ${show(change.table)} is dropped.`,
    };
  },
});
