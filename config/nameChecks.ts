import { pipelineUser } from "./hostPaths.js";
import type { Config } from "./sections.js";

/** Databases that every server has of its own. */
const serversOwn: ReadonlySet<string> = new Set(["postgres", "template0", "template1", "rdsadmin"]);
/** Roles that are somebody else's: the server's, the pipeline's on a host and on RDS, those that RDS and PostgreSQL keep for themselves. */
const taken = new RegExp(`^(postgres|${pipelineUser}|pg_.*|rds.*)$`);

/**
 * Names of a database that this program makes, which somebody else has: the application would be given the administrator's role, with
 * a password.
 */
export function nameChecks({ database }: Config): string[] {
  if (database.kind === "existing") return [];
  const problems: string[] = [];
  if (serversOwn.has(database.name))
    problems.push(`database.name: "${database.name}" is a database of the server's own: choose another name`);
  if (taken.test(database.owner))
    problems.push(
      `database.owner: "${database.owner}" is the name of an administrator, or kept for the server's own roles; the application has a role that may no more than it has to: choose another name`,
    );
  return problems;
}
