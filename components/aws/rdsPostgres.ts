import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Database, Tls } from "../../pipeline/contracts.js";
import { inertParameters } from "../../pipeline/rds/inertParameters.js";
import { type Statement, keepSecret, readSecrets } from "./policies.js";
import { rdsStatements } from "./rdsPolicies.js";

/** The role that RDS makes and manages the password of; the pipeline connects as it. */
const masterUser = "pipeline";

export interface RdsPostgresArgs {
  /** Name of the environment, which the database is marked with. */
  readonly environment: string;
  readonly vpcId: pulumi.Input<string>;
  /** In two zones at least; with a way to the internet where `publicFrom` names addresses. */
  readonly subnetIds: pulumi.Input<pulumi.Input<string>[]>;
  /** Database name. Another name is another, empty instance. */
  readonly database: string;
  /** The application's role; owns the database. */
  readonly owner: string;
  /** PostgreSQL schema of Prisma's connection. @default "public" */
  readonly schema?: string;
  /** Decides most of the cost. A change restarts the instance in the next maintenance window. @default "db.t4g.micro" */
  readonly instanceClass?: string;
  /** Major version, or a minor one of it. @default "17" */
  readonly engineVersion?: string;
  /** @default 20 */
  readonly storageGiB?: number;
  /** Up to which the storage grows by itself; it never shrinks. @default 100 */
  readonly maxStorageGiB?: number;
  /** A standby in another zone; doubles the cost. @default false */
  readonly multiAz?: boolean;
  /** Days of RDS's own backups, for restoring to any moment of them. @default 7 */
  readonly backupDays?: number;
  /** Who signs the server's certificate: Amazon's authorities, or those in a PEM file (other partitions). @default "rds" */
  readonly authorities?: Tls["ca"];
  /**
   * DB snapshots are made (`backup.method: snapshot`, `backup.snapshotBefore`), which whoever runs the pipeline is let do.
   *
   * @default false
   */
  readonly snapshots?: boolean;
  /** Ranges of addresses outside that may reach it; without any it is private. @default none */
  readonly publicFrom?: readonly string[];
  /** Pulumi refuses to delete it, and leaves it in AWS if it is taken out of the program. @default false */
  readonly protect?: boolean;
}

/**
 * Amazon RDS for PostgreSQL: private, reached by TLS only, its storage encrypted and growing by itself, with RDS's own backups. The
 * password is made and kept by RDS in Secrets Manager and is in no state.
 *
 * Deleting it is refused by RDS until deletion protection is taken off, and leaves a last snapshot, named by stack, subnet group and
 * database. Costs see docs/cost.md.
 *
 * @example
 * const postgres = new RdsPostgres("postgres", {
 *   environment: "dev", vpcId: network.vpcId, subnetIds: network.databaseSubnetIds, database: "shop", owner: "shop",
 * });
 * postgres.letIn("runner", runner.securityGroupId);
 */
export class RdsPostgres extends pulumi.ComponentResource {
  /** The database as the pipeline reaches it, with where its password is found. */
  readonly database: pulumi.Output<Database>;
  /** What the role of whoever runs the pipeline has to be let do: read the password, keep the application's, restore beside. */
  readonly statements: pulumi.Output<Statement[]>;
  /** The secret that the application's password is kept in, once the database was prepared. */
  readonly applicationSecretArn: pulumi.Output<string>;
  /** Its name at RDS, which CloudWatch knows it by. */
  readonly identifier: pulumi.Output<string>;
  readonly #group: aws.ec2.SecurityGroup;

  constructor(
    private readonly name: string,
    args: RdsPostgresArgs,
    options?: pulumi.ComponentResourceOptions,
  ) {
    super("safe-migration:aws:RdsPostgres", name, {}, options);
    const { environment, database, owner, schema, publicFrom = [], protect = false } = args;
    const child = { parent: this };
    const version = args.engineVersion ?? "17";
    const subnets = new aws.rds.SubnetGroup(`${name}-subnets`, { subnetIds: args.subnetIds }, child);
    this.#group = new aws.ec2.SecurityGroup(
      `${name}-group`,
      { vpcId: args.vpcId, description: `PostgreSQL of ${name}`, tags: { Name: name } },
      child,
    );
    const rules = publicFrom.map((cidrIpv4) => this.#rule(`from-${cidrIpv4}`, { cidrIpv4 }));
    const major = version.split(".")[0] ?? version;
    const parameters = new aws.rds.ParameterGroup(
      `${name}-parameters-${major}`,
      { family: `postgres${major}`, parameters: parameterValues },
      child,
    );
    const copyParameters = new aws.rds.ParameterGroup(
      `${name}-copy-parameters-${major}`,
      { family: `postgres${major}`, parameters: [...parameterValues, ...copyParameterValues] },
      child,
    );
    const instance = new aws.rds.Instance(
      `${name}-instance`,
      {
        engine: "postgres",
        engineVersion: version,
        instanceClass: args.instanceClass ?? "db.t4g.micro",
        dbName: database,
        username: masterUser,
        manageMasterUserPassword: true,
        allocatedStorage: args.storageGiB ?? 20,
        maxAllocatedStorage: args.maxStorageGiB ?? 100,
        storageType: "gp3",
        storageEncrypted: true,
        multiAz: args.multiAz ?? false,
        dbSubnetGroupName: subnets.name,
        vpcSecurityGroupIds: [this.#group.id],
        publiclyAccessible: publicFrom.length > 0,
        parameterGroupName: parameters.name,
        caCertIdentifier: "rds-ca-rsa2048-g1",
        backupRetentionPeriod: args.backupDays ?? 7,
        copyTagsToSnapshot: true,
        deletionProtection: true,
        skipFinalSnapshot: false,
        finalSnapshotIdentifier: subnets.name.apply((unique) => lastSnapshot(unique, database)),
        performanceInsightsEnabled: true,
        performanceInsightsRetentionPeriod: 7,
        enabledCloudwatchLogsExports: ["postgresql", "upgrade"],
        autoMinorVersionUpgrade: true,
        applyImmediately: false,
        tags: { Name: name, environment },
      },
      { parent: this, protect, retainOnDelete: protect },
    );
    const application = new aws.secretsmanager.Secret(
      `${name}-application`,
      { description: `Password of the role ${owner} in ${environment}`, recoveryWindowInDays: 7 },
      child,
    );
    const master = instance.masterUserSecrets.apply(([secret]) => secret?.secretArn ?? "");
    this.identifier = instance.identifier;
    this.applicationSecretArn = application.arn;
    const access = pulumi.output({
      environment,
      instanceArn: instance.arn,
      subnetGroupArn: subnets.arn,
      parametersArn: copyParameters.arn,
      snapshots: args.snapshots ?? false,
    });
    this.statements = pulumi
      .all([master, application.arn, access])
      .apply(([masterArn, applicationArn, known]) => [
        readSecrets("ReadMasterPassword", [masterArn]),
        keepSecret("KeepApplicationPassword", applicationArn),
        ...rdsStatements(known),
      ]);
    // Nobody is sent there before it lets them in.
    const atRds = pulumi.all([instance.identifier, instance.arn, copyParameters.name]);
    const known = pulumi.all([instance.address, instance.port, master, atRds, pulumi.all(rules)]);
    this.database = known.apply(([host, port, arn, [identifier, instanceArn, parametersOfCopies]]): Database => ({
      host,
      port,
      name: database,
      user: masterUser,
      password: { from: "secretsManager", arn },
      tls: { ca: args.authorities ?? "rds" },
      migrateAs: owner,
      ...(schema === undefined ? {} : { schema }),
      rds: { instance: identifier, region: instanceArn.split(":")[3] ?? "", copyParameters: parametersOfCopies },
    }));
    this.registerOutputs({
      database: this.database,
      statements: this.statements,
      applicationSecretArn: this.applicationSecretArn,
      identifier: this.identifier,
    });
  }

  /** Lets the machines of a security group reach the database. @returns the rule's id: known once they are let in */
  letIn(label: string, securityGroupId: pulumi.Input<string>): pulumi.Output<string> {
    return this.#rule(label, { referencedSecurityGroupId: securityGroupId });
  }

  #rule(label: string, from: Pick<aws.vpc.SecurityGroupIngressRuleArgs, "cidrIpv4" | "referencedSecurityGroupId">) {
    const rule = new aws.vpc.SecurityGroupIngressRule(
      `${this.name}-${label}`,
      { securityGroupId: this.#group.id, ipProtocol: "tcp", fromPort: 5432, toPort: 5432, ...from },
      { parent: this },
    );
    return rule.id;
  }
}

/**
 * A deleted instance leaves a snapshot, and RDS takes each name once: without the subnet group's, which is another one each time a stack
 * is made, a stack could not be destroyed a second time; without the database's, not once its instance was replaced.
 */
function lastSnapshot(unique: string, database: string): string {
  const name = `${pulumi.getProject()}-${pulumi.getStack()}-${unique}-${database}`;
  // What RDS takes: letters, digits and single hyphens between them.
  return name.replace(/[^A-Za-z0-9]+/g, "-").replace(/-$/, "");
}

const parameterValues = [
  // Connections without TLS are refused by the server itself.
  { name: "rds.force_ssl", value: "1" },
  { name: "log_lock_waits", value: "1" },
  { name: "log_min_duration_statement", value: "1000" },
];

/** Of instances that are restored from it: they come up with all that is in it, and nothing of that may act by itself. */
const copyParameterValues = Object.entries(inertParameters).map(([name, value]) => ({
  name,
  value,
  applyMethod: "pending-reboot",
}));
