import type { Node } from "libpg-query";
import { optionIsFalse, optionNames } from "./definitionOptions.js";

/**
 * What a statement does that PostgreSQL refuses inside a transaction block (`PreventInTransactionBlock` in its source);
 * `undefined` for one that may run there. Statements for which it depends on the data (CALL, DO) may: they then fail and
 * are rolled back.
 */
export function cannotRunInTransaction(node: Node): string | undefined {
  if ("IndexStmt" in node) return node.IndexStmt.concurrent ? "CREATE INDEX CONCURRENTLY" : undefined;
  if ("DropStmt" in node) return node.DropStmt.concurrent ? "DROP INDEX CONCURRENTLY" : undefined;
  if ("VacuumStmt" in node) return node.VacuumStmt.is_vacuumcmd ? "VACUUM" : undefined;
  if ("ClusterStmt" in node) return node.ClusterStmt.relation ? undefined : "CLUSTER of all tables";
  if ("ReindexStmt" in node) return reindex(node.ReindexStmt);
  if ("AlterTableStmt" in node)
    return detachesConcurrently(node.AlterTableStmt.cmds) ? "DETACH PARTITION CONCURRENTLY" : undefined;
  if ("AlterDatabaseStmt" in node) {
    return optionNames(node.AlterDatabaseStmt.options).includes("tablespace")
      ? "ALTER DATABASE SET TABLESPACE"
      : undefined;
  }
  if ("CreateSubscriptionStmt" in node) {
    const off = ["connect", "create_slot"].some((name) => optionIsFalse(node.CreateSubscriptionStmt.options, name));
    return off ? undefined : "CREATE SUBSCRIPTION with a replication slot";
  }
  if ("AlterSubscriptionStmt" in node) {
    const refresh = ["REFRESH", "SET_PUBLICATION", "ADD_PUBLICATION", "DROP_PUBLICATION"];
    const kind = (node.AlterSubscriptionStmt.kind ?? "").replace("ALTER_SUBSCRIPTION_", "");
    const off = optionIsFalse(node.AlterSubscriptionStmt.options, "refresh");
    return refresh.some((name) => kind.startsWith(name)) && !off ? "ALTER SUBSCRIPTION with refresh" : undefined;
  }
  if ("DiscardStmt" in node) return node.DiscardStmt.target === "DISCARD_ALL" ? "DISCARD ALL" : undefined;
  return byKind.find(([kind]) => kind in node)?.[1];
}

const byKind = [
  ["DropSubscriptionStmt", "DROP SUBSCRIPTION"],
  ["CreatedbStmt", "CREATE DATABASE"],
  ["DropdbStmt", "DROP DATABASE"],
  ["CreateTableSpaceStmt", "CREATE TABLESPACE"],
  ["DropTableSpaceStmt", "DROP TABLESPACE"],
  ["AlterSystemStmt", "ALTER SYSTEM"],
] as const;

const wholesale = [
  ["REINDEX_OBJECT_SCHEMA", "REINDEX SCHEMA"],
  ["REINDEX_OBJECT_SYSTEM", "REINDEX SYSTEM"],
  ["REINDEX_OBJECT_DATABASE", "REINDEX DATABASE"],
] as const;

function reindex(statement: Extract<Node, { ReindexStmt: unknown }>["ReindexStmt"]): string | undefined {
  if (optionNames(statement.params).includes("concurrently") && !optionIsFalse(statement.params, "concurrently")) {
    return "REINDEX CONCURRENTLY";
  }
  return wholesale.find(([kind]) => kind === statement.kind)?.[1];
}

function detachesConcurrently(commands: readonly Node[] | undefined): boolean {
  return (commands ?? []).some((command) => {
    const definition = "AlterTableCmd" in command ? command.AlterTableCmd.def : undefined;
    return definition !== undefined && "PartitionCmd" in definition && definition.PartitionCmd.concurrent === true;
  });
}
