import type pg from "pg";
import { sqlState } from "../postgres/connection.js";
import type { Statement } from "../prisma/plan.js";

/**
 * Runs a statement in the open transaction. A `DROP ROLE` that only another database stands in the way of is left out: the original
 * has all that the copy has, so that what the migration took from the role in the copy is still there.
 *
 * @returns whether it was run.
 */
export async function sendInCopy(client: pg.ClientBase, { text, node }: Statement): Promise<boolean> {
  if (!("DropRoleStmt" in node)) {
    await client.query(text);
    return true;
  }
  await client.query("SAVEPOINT drop_role");
  try {
    await client.query(text);
    return true;
  } catch (error) {
    if (sqlState(error) !== dependentObjects) throw error;
    await client.query("ROLLBACK TO SAVEPOINT drop_role");
    const roles = (node.DropRoleStmt.roles ?? []).flatMap((role) =>
      "RoleSpec" in role ? [role.RoleSpec.rolename ?? ""] : [],
    );
    if (await dependsHere(client, roles)) throw error;
    return false;
  }
}

const dependentObjects = "2BP01";

/** Whether something in this database, or of the cluster, depends on one of these roles. */
async function dependsHere(client: pg.ClientBase, roles: readonly string[]): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid
      WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND r.rolname = ANY ($1)
        AND (s.dbid = 0 OR s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
      LIMIT 1`,
    [roles],
  );
  return rowCount !== 0;
}
