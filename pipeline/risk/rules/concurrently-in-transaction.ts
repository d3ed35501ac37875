import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const concurrentlyInTransaction = defineRule({
  id: "concurrently-in-transaction",
  title: "CONCURRENTLY beside other statements",
  tier: "risky",
  effects: ["fails"],
  reason:
    "A migration of several statements is one transaction, in which PostgreSQL refuses CONCURRENTLY. It also refuses CREATE INDEX CONCURRENTLY on a partitioned table.",
  safer:
    "Give the statement a migration of its own. After it, look at pg_index.indisvalid: when it fails it leaves an index that nobody uses and every write keeps up.",
  versions: "all; DETACH PARTITION CONCURRENTLY from 14, REINDEX CONCURRENTLY from 12",
  source: "RISKS 18; PostgreSQL manual, CREATE INDEX",
  boundary: "Alone in its file, or in a file that declares -- no-transaction, it is safe.",
  example: `CREATE INDEX CONCURRENTLY "a" ON "Order"("a");\nCREATE INDEX CONCURRENTLY "b" ON "Order"("b");`,
  on: ["createIndex", "drop", "reindex", "detachPartition"],
  match(change, context) {
    if (
      change.kind === "createIndex" &&
      change.concurrently &&
      context.knownTable(change.table)?.partitioned === true
    ) {
      return {
        message: `CONCURRENTLY is refused on ${show(change.table)}, which has partitions: build the index on each of them, then on the parent.`,
      };
    }
    if (!change.concurrently || context.file.statements === 1 || context.file.noTransaction) return undefined;
    return {
      message: "CONCURRENTLY is refused by PostgreSQL in a migration of several statements, which is one transaction.",
    };
  },
});
