import type { Database, StageRequest } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { npmRun } from "../npmRun.js";

/** An instance of RDS by the name that AWS gives its address: its identifier, and the region. */
const rdsHost = /^([a-z][a-z0-9-]*)\.[^.]+\.([a-z0-9-]+)\.rds\.amazonaws\.com(\.cn)?$/;

/** Who keeps the server's log, so that it can be recovered to a moment; `undefined`: nobody that is known. */
export function keptBy({
  archive,
  host,
  rds,
}: Pick<Database, "archive" | "host" | "rds">): "archive" | "rds" | undefined {
  if (archive !== undefined) return "archive";
  return rds !== undefined || rdsHost.test(host) ? "rds" : undefined;
}

/**
 * The stanza under which pgBackRest has the server's log.
 *
 * @throws PipelineError (`NO_ARCHIVE`, refused) where the environment has none, with what there is instead.
 */
export function stanzaOf({ database, environment, at }: StageRequest & { readonly at: string }): string {
  if (database.archive !== undefined) return database.archive.stanza;
  const instance = rdsHost.exec(database.host);
  throw new PipelineError({
    code: "NO_ARCHIVE",
    kind: "refused",
    message:
      instance === null
        ? `The log of the server of "${environment}" is not archived where this program could recover from it, so that it cannot go back to ${at}.`
        : `The server of "${environment}" is RDS, which keeps its log itself and recovers to ${at} as an instance of its own.`,
    state: "Nothing was touched.",
    next:
      instance === null
        ? `Restore a backup (${npmRun(environment, "db:restore", "--list")}). From now on: database.recoveryDays above 0 on an EC2 stack, whose next host then archives (docs/recovery.md).`
        : rdsProcedure(instance[1] ?? "", instance[2] ?? "", at),
  });
}

/** How one goes back to a moment on RDS: beside, and never over the instance that is there. */
function rdsProcedure(instance: string, region: string, at: string): string {
  const beside = `${instance}-at-${at.replace(/[^0-9]/g, "").slice(0, 14)}`;
  return [
    `aws rds restore-db-instance-to-point-in-time --region ${region} --source-db-instance-identifier ${instance} --target-db-instance-identifier ${beside} --restore-time ${at}`,
    "(add --db-subnet-group-name, --vpc-security-group-ids and --db-parameter-group-name as describe-db-instances shows them of the original);",
    `then aws rds wait db-instance-available --region ${region} --db-instance-identifier ${beside}, look at it, and take what is needed from it with pg_dump and pg_restore.`,
    "The original stays as it is.",
  ].join("\n");
}
