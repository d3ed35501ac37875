import { type Name, show } from "../names.js";
import { type Match, defineRule } from "../rule.js";
import type { RuleContext } from "../ruleContext.js";

export const partition = defineRule({
  id: "partition",
  title: "Partition or child table is made, attached or detached",
  tier: "risky",
  effects: ["scan", "lock", "breaks"],
  reason:
    "ATTACH reads every row of the new partition under a lock. Where there is a default partition, its rows are read too, under an ACCESS EXCLUSIVE lock, which a new partition takes on the parent as well. DETACH takes an ACCESS EXCLUSIVE lock on the parent, and the rows are gone for those who read it.",
  safer:
    "Before ATTACH, add a CHECK that implies the bounds (NOT VALID, then VALIDATE), so that nothing is read; DETACH … CONCURRENTLY (14+), alone in its migration.",
  versions: "10 and later",
  source: "RISKS 44",
  boundary:
    "A partition that the same migration makes is safe where the parent is known to have no default partition: the lock is held for an instant.",
  example: `ALTER TABLE "Log" ATTACH PARTITION "Log_2026" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');`,
  on: ["attachPartition", "detachPartition", "inherit", "createTable"],
  beyondTable: true,
  match(change, context) {
    if (change.kind === "createTable") {
      const { partitionOf, isDefault } = change;
      return partitionOf === undefined || isDefault ? undefined : overDefault(context, partitionOf, change.table);
    }
    if (change.kind === "inherit" && context.isNewTable(context.knownTable(change.table))) return undefined;
    if (change.kind === "inherit")
      return { message: `${change.how} on ${show(change.table)}.`, effects: ["lock", "breaks"] };
    if (change.kind === "detachPartition") {
      const effects = change.concurrently ? (["breaks"] as const) : (["lock", "breaks"] as const);
      return { message: `Partition ${show(change.partition)} is detached from ${show(change.table)}.`, effects };
    }
    if (context.isNewTable(context.knownTable(change.partition))) {
      return change.isDefault ? undefined : overDefault(context, change.table, change.partition);
    }
    return {
      message: `Attaching ${show(change.partition)} to ${show(change.table)} reads its rows under a lock.`,
      effects: ["scan", "lock"],
    };
  },
});

/** The rows of a default partition are read, since none may belong into the new one. */
function overDefault(context: RuleContext, parent: Name, partition: Name): Match | undefined {
  const known = context.knownTable(parent);
  const others = [...(known?.partitions ?? [])];
  const byDefault = others.find(({ isDefault }) => isDefault);
  if (context.isNewTable(known) || (byDefault === undefined && context.state.certain)) return undefined;
  const what = byDefault === undefined ? "a default partition, if there is one," : `"${byDefault.name}"`;
  return {
    message: `${show(partition)} becomes a partition of ${show(parent)}: ${what} is read from end to end while nobody else can read or write it.`,
    effects: ["scan", "lock", "fails"],
    ...(byDefault === undefined
      ? {}
      : { tier: context.unlessEmpty({ schema: byDefault.schema, name: byDefault.name }, "risky") }),
  };
}
