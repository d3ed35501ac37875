import type { Rds } from "../rds/client.js";
import type { Instance } from "../rds/instances.js";

export interface StepsOf {
  readonly rds: Pick<Rds, "region" | "instance">;
  readonly environment: string;
  readonly original: Pick<Instance, "resourceId" | "raw">;
  readonly restored: Pick<Instance, "identifier" | "resourceId"> & {
    readonly endpoint: { readonly host: string; readonly port: number };
    readonly secret: string;
  };
  /** Name of the database. */
  readonly database: string;
}

/**
 * What can be done with an instance that was restored beside the environment's own, as commands. It is not swapped by this program: the
 * instance is a resource of the stack, and its state goes by the number that RDS has given it, which no renaming changes; a swap behind
 * Pulumi's back would have the next update work on the one that was set aside.
 */
export function besideSteps({ rds, environment, original, restored, database }: StepsOf): string[] {
  const { region, instance } = rds;
  const { identifier, endpoint, secret, resourceId } = restored;
  const modify = (name: string, ...args: string[]) =>
    `aws rds modify-db-instance --region ${region} --db-instance-identifier ${name} ${args.join(" ")} --apply-immediately`;
  const wait = (name: string) =>
    `aws rds wait db-instance-available --region ${region} --db-instance-identifier ${name}`;
  const user = original.raw.MasterUsername ?? "pipeline";
  const [{ DBParameterGroupName: group = "" } = {}] = original.raw.DBParameterGroups ?? [];
  const aside = `${instance.slice(0, 50)}-before`;
  return [
    `Look at it, from where ${instance} is reached: PGSSLMODE=verify-full PGSSLROOTCERT=RDS.pem PGPASSWORD=$(aws secretsmanager get-secret-value --region ${region} --secret-id '${secret}' --query SecretString --output text | jq -r .password) psql -h ${endpoint.host} -p ${endpoint.port} -U ${user} ${database}`,
    `Take single tables back with the same connection: pg_dump --format=custom --table=TABLE -h ${endpoint.host} … | pg_restore -h (the original) …`,
    `Or have it take the place of ${instance}, with the application stopped: ${modify(instance, `--new-db-instance-identifier ${aside}`)}; ${wait(aside)}; ${modify(identifier, `--new-db-instance-identifier ${instance}`, `--db-parameter-group-name ${group}`, "--deletion-protection")}; ${wait(instance)}; aws rds reboot-db-instance --region ${region} --db-instance-identifier ${instance}; ${wait(instance)}`,
    `and have Pulumi know it: pulumi stack export --stack ${environment} >before.json; sed 's/${original.resourceId}/${resourceId}/g' before.json >after.json; pulumi stack import --stack ${environment} --file after.json; pulumi refresh --stack ${environment}; npm run up -- --stack ${environment}. ${aside} stays as it is until you delete it.`,
    `Or delete it, as it costs as much as ${instance}: aws rds delete-db-instance --region ${region} --db-instance-identifier ${identifier} --skip-final-snapshot`,
  ];
}
