import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Database } from "../../pipeline/contracts.js";
import { databaseUserData, hostDatabase } from "../userData/hostUserData.js";
import { Host, type HostArgs, type HostKeys } from "./host.js";
import { type Statement, type StoreAccess, archivePrefix, archiveStatements, storeStatements } from "./policies.js";

export interface Ec2PostgresArgs extends Pick<
  HostArgs,
  "vpcId" | "subnetId" | "sshFrom" | "rootGiB" | "imageId" | "publicAddress" | "protect"
> {
  /** Name of the environment, which the database is marked with. */
  readonly environment: string;
  /** Database name. */
  readonly database: string;
  /** The application's role; owns the database. */
  readonly owner: string;
  /** PostgreSQL schema of Prisma's connection. @default "public" */
  readonly schema?: string;
  /** @default "t4g.small" */
  readonly instanceType?: string;
  /** Size of the data volume. Can be made larger, never smaller. @default 50 */
  readonly dataGiB?: number;
  /**
   * How many days one can go back to any moment of: WAL and base backups are kept that long in a folder of their own of the store's
   * bucket. 0: none. Costs what they hold there.
   * @default 14
   */
  readonly recoveryDays?: number;
  readonly keys: HostKeys;
  /** The backup store that the host reaches by its own role. */
  readonly store: pulumi.Input<StoreAccess>;
  /** What its role may do beside: to publish notices. @default nothing */
  readonly statements?: pulumi.Input<Statement[]>;
  readonly region: pulumi.Input<string>;
}

/**
 * PostgreSQL 17 on a host of EC2 (Debian 13), with its data on an encrypted volume of its own, which is kept when the host is
 * replaced. PostgreSQL listens on the host only; the pipeline runs there and comes in over the Unix socket.
 *
 * The volume is deleted with the component unless `protect` is set; then Pulumi refuses, and leaves it in AWS if it is taken
 * out of the program. Costs the instance, 0.08 USD a month for each GB of the volume and 3.65 USD for the address.
 *
 * @example
 * const postgres = new Ec2Postgres("postgres", {
 *   environment: "staging", database: "shop", owner: "shop", vpcId: network.vpcId, subnetId: network.hostSubnetIds[0],
 *   sshFrom: ["203.0.113.7/32"], keys, store: bucket.access, region: "eu-west-1",
 * });
 */
export class Ec2Postgres extends pulumi.ComponentResource {
  /** The database as stages on the host reach it. */
  readonly database: pulumi.Output<Database>;
  /** Where SSH reaches the host. */
  readonly address: pulumi.Output<string>;
  /** Known once the data volume is attached, which the host waits for. */
  readonly instanceId: pulumi.Output<string>;
  readonly volumeId: pulumi.Output<string>;
  /** The role that the pipeline acts as. */
  readonly roleArn: pulumi.Output<string>;

  constructor(name: string, args: Ec2PostgresArgs, options?: pulumi.ComponentResourceOptions) {
    super("safe-migration:aws:Ec2Postgres", name, {}, options);
    const { environment, database, owner, schema, keys, recoveryDays = 14, protect = false } = args;
    const archives = recoveryDays > 0;
    const subnet = aws.ec2.getSubnetOutput({ id: args.subnetId }, { parent: this });
    const volume = new aws.ebs.Volume(
      `${name}-data`,
      {
        availabilityZone: subnet.availabilityZone,
        size: args.dataGiB ?? 50,
        type: "gp3",
        encrypted: true,
        // A last copy when it is deleted after all.
        finalSnapshot: true,
        tags: { Name: `${name}-data`, environment },
      },
      // A host that is moved to another zone is not given an empty volume there: attaching this one fails, and the data stays.
      { parent: this, protect, retainOnDelete: protect, ignoreChanges: ["availabilityZone"] },
    );
    const host = new Host(
      `${name}-host`,
      {
        vpcId: args.vpcId,
        subnetId: args.subnetId,
        instanceType: args.instanceType ?? "t4g.small",
        keys,
        sshFrom: args.sshFrom,
        rootGiB: args.rootGiB,
        imageId: args.imageId,
        publicAddress: args.publicAddress,
        protect,
        statements: pulumi
          .all([args.store, args.statements ?? []])
          .apply(([store, more]) => [
            ...storeStatements(store),
            ...(archives ? archiveStatements(store) : []),
            ...more,
          ]),
        userData: ({ hostKeySecretArn, machine }) =>
          pulumi.all([volume.id, args.region, args.store]).apply(([volumeId, region, { bucketArn }]) =>
            databaseUserData({
              environment,
              authorizedKeys: [keys.publicKey],
              hostKey: { secretId: hostKeySecretArn, publicKey: keys.hostKey, region },
              database: { name: database, owner },
              dataVolume: { volumeId },
              machine,
              ...(archives ? { archive: archiveIn(bucketArn, region, recoveryDays) } : {}),
            }),
          ),
      },
      { parent: this },
    );
    const attachment = new aws.ec2.VolumeAttachment(
      `${name}-data`,
      {
        deviceName: "/dev/sdf",
        volumeId: volume.id,
        instanceId: host.instanceId,
        // PostgreSQL shuts down before its volume goes to another host.
        stopInstanceBeforeDetaching: true,
      },
      // A volume is attached to one instance at a time: the old attachment ends before the new one begins.
      { parent: this, deleteBeforeReplace: true },
    );
    this.address = host.address;
    this.instanceId = attachment.instanceId;
    this.volumeId = volume.id;
    this.roleArn = host.roleArn;
    const reached = { name: database, owner, schema, ...(archives ? { stanza: environment } : {}) };
    this.database = pulumi.output(hostDatabase(reached));
    this.registerOutputs({
      database: this.database,
      address: this.address,
      instanceId: this.instanceId,
      volumeId: this.volumeId,
      roleArn: this.roleArn,
    });
  }
}

function archiveIn(bucketArn: string, region: string, days: number) {
  return { bucket: bucketArn.split(":").at(-1) ?? "", prefix: archivePrefix, region, days };
}
