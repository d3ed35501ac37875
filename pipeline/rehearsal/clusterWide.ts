import type { Node, ObjectType } from "libpg-query";
import { cannotRunInTransaction } from "../prisma/nonTransactional.js";
import { statementsOf } from "../risk/statements.js";

/** A statement that changes more than the database it runs in. */
export interface ClusterStatement {
  /** As the manual calls it: `CREATE ROLE`. */
  readonly what: string;
  /** Number of its line, from 1. */
  readonly line: number;
}

/**
 * What a statement does to the whole cluster (PostgreSQL's shared catalogs, its configuration, its replication), where a copy of a
 * database is no shelter: the roles and the original are the same there. `undefined` for one that stays in its database.
 */
export function clusterWide(node: Node): string | undefined {
  if ("GrantRoleStmt" in node) return node.GrantRoleStmt.is_grant === true ? "GRANT of a role" : "REVOKE of a role";
  if ("CommentStmt" in node) return on("COMMENT ON", node.CommentStmt.objtype);
  if ("SecLabelStmt" in node) return on("SECURITY LABEL ON", node.SecLabelStmt.objtype);
  if ("RenameStmt" in node) return on("ALTER", node.RenameStmt.renameType, " RENAME");
  if ("AlterOwnerStmt" in node) return on("ALTER", node.AlterOwnerStmt.objectType, " OWNER");
  if ("GrantStmt" in node)
    return on(node.GrantStmt.is_grant === true ? "GRANT ON" : "REVOKE ON", node.GrantStmt.objtype);
  return byKind.find(([kind]) => kind in node)?.[1];
}

/** Whether a statement cannot be tried in a transaction that is rolled back; the copy has no subscriptions to alter. */
export function cannotBeTried(node: Node): boolean {
  const created = "CreateSubscriptionStmt" in node;
  return cannotRunInTransaction(node) !== undefined || (!created && /SUBSCRIPTION/.test(clusterWide(node) ?? ""));
}

/** The statements of a file that change the whole cluster, as far as its text shows; `loadParser` must have been awaited before. */
export function clusterStatements(sql: string): ClusterStatement[] {
  return statementsOf(sql).flatMap(({ node, line }) => {
    const what = node === undefined ? undefined : clusterWide(node);
    return what === undefined ? [] : [{ what, line }];
  });
}

/** `CREATE ROLE at line 1, GRANT of a role at line 2` */
export function describeCluster(statements: readonly ClusterStatement[]): string {
  return statements.map(({ what, line }) => `${what} at line ${line}`).join(", ");
}

function on(verb: string, type: ObjectType | undefined, rest = ""): string | undefined {
  const object = type === undefined ? undefined : shared[type];
  return object === undefined ? undefined : `${verb} ${object}${rest}`;
}

const shared: Readonly<Partial<Record<ObjectType, string>>> = {
  OBJECT_ROLE: "ROLE",
  OBJECT_DATABASE: "DATABASE",
  OBJECT_TABLESPACE: "TABLESPACE",
  OBJECT_SUBSCRIPTION: "SUBSCRIPTION",
  OBJECT_PARAMETER_ACL: "PARAMETER",
};

const byKind = [
  ["CreateRoleStmt", "CREATE ROLE"],
  ["AlterRoleStmt", "ALTER ROLE"],
  ["AlterRoleSetStmt", "ALTER ROLE … SET"],
  ["DropRoleStmt", "DROP ROLE"],
  ["ReassignOwnedStmt", "REASSIGN OWNED"],
  ["DropOwnedStmt", "DROP OWNED"],
  ["AlterSystemStmt", "ALTER SYSTEM"],
  ["CreateTableSpaceStmt", "CREATE TABLESPACE"],
  ["AlterTableSpaceOptionsStmt", "ALTER TABLESPACE"],
  ["DropTableSpaceStmt", "DROP TABLESPACE"],
  ["CreateSubscriptionStmt", "CREATE SUBSCRIPTION"],
  ["AlterSubscriptionStmt", "ALTER SUBSCRIPTION"],
  ["DropSubscriptionStmt", "DROP SUBSCRIPTION"],
  ["CreatedbStmt", "CREATE DATABASE"],
  ["AlterDatabaseStmt", "ALTER DATABASE"],
  ["AlterDatabaseSetStmt", "ALTER DATABASE … SET"],
  ["AlterDatabaseRefreshCollStmt", "ALTER DATABASE … REFRESH COLLATION VERSION"],
  ["DropdbStmt", "DROP DATABASE"],
] as const;
