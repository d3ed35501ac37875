import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const partition = defineRule({
  id: "partition",
  title: "Partition or child table is attached or detached",
  tier: "risky",
  effects: ["scan", "lock", "breaks"],
  reason:
    "ATTACH reads every row of the new partition, and of the default one, under a lock; DETACH takes an ACCESS EXCLUSIVE lock on the parent, and the rows are gone for those who read it.",
  safer:
    "Before ATTACH, add a CHECK that implies the bounds (NOT VALID, then VALIDATE), so that nothing is read; DETACH … CONCURRENTLY (14+), alone in its migration.",
  versions: "10 and later",
  source: "RISKS 44",
  boundary: "A partition that the same migration makes is attached without a scan.",
  example: `ALTER TABLE "Log" ATTACH PARTITION "Log_2026" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');`,
  on: ["attachPartition", "detachPartition", "inherit"],
  match(change, context) {
    if (change.kind === "inherit")
      return { message: `${change.how} on ${show(change.table)}.`, effects: ["lock", "breaks"] };
    if (change.kind === "detachPartition") {
      const effects = change.concurrently ? (["breaks"] as const) : (["lock", "breaks"] as const);
      return { message: `Partition ${show(change.partition)} is detached from ${show(change.table)}.`, effects };
    }
    if (context.isNew(context.knownTable(change.partition))) return undefined;
    return {
      message: `Attaching ${show(change.partition)} to ${show(change.table)} reads its rows under a lock.`,
      effects: ["scan", "lock"],
    };
  },
});
