import * as pulumi from "@pulumi/pulumi";
import { runnerUserData } from "../userData/hostUserData.js";
import { Host, type HostArgs, type HostKeys } from "./host.js";
import { type Statement, type StoreAccess, storeStatements } from "./policies.js";

export interface RunnerHostArgs extends Pick<HostArgs, "vpcId" | "subnetId" | "sshFrom" | "imageId" | "publicAddress"> {
  /** Name of the environment. */
  readonly environment: string;
  /** @default "t4g.micro" */
  readonly instanceType?: string;
  /** Its disk, on which dumps lie on their way to the store. @default 30 */
  readonly diskGiB?: number;
  /** It stops by itself after so many minutes without work; see `hostStarted`. @default 0: never */
  readonly stopAfterMinutes?: number;
  readonly keys: HostKeys;
  /** The backup store that the host reaches by its own role. */
  readonly store: pulumi.Input<StoreAccess>;
  /** What its role may do beside: to read the database's password, to publish notices. */
  readonly statements: pulumi.Input<Statement[]>;
  readonly region: pulumi.Input<string>;
}

/**
 * A small host in the network of a private database, on which the pipeline runs. It holds nothing that is not in the store as well, and
 * may be replaced at any time. Costs the instance, its disk and 3.65 USD a month for the address.
 *
 * @example
 * const runner = new RunnerHost("runner", {
 *   environment: "dev", vpcId: network.vpcId, subnetId: network.hostSubnetIds[0], sshFrom: ["203.0.113.7/32"], keys,
 *   store: bucket.access, statements: postgres.statements, region: "eu-west-1",
 * });
 */
export class RunnerHost extends pulumi.ComponentResource {
  /** Where SSH reaches the host. */
  readonly address: pulumi.Output<string>;
  readonly instanceId: pulumi.Output<string>;
  /** For the database to let it in. */
  readonly securityGroupId: pulumi.Output<string>;
  /** The role that the pipeline acts as. */
  readonly roleArn: pulumi.Output<string>;

  constructor(name: string, args: RunnerHostArgs, options?: pulumi.ComponentResourceOptions) {
    super("safe-migration:aws:RunnerHost", name, {}, options);
    const { environment, keys, stopAfterMinutes = 0 } = args;
    const host = new Host(
      `${name}-host`,
      {
        vpcId: args.vpcId,
        subnetId: args.subnetId,
        instanceType: args.instanceType ?? "t4g.micro",
        keys,
        sshFrom: args.sshFrom,
        rootGiB: args.diskGiB ?? 30,
        imageId: args.imageId,
        publicAddress: args.publicAddress,
        statements: pulumi
          .all([args.store, args.statements])
          .apply(([store, statements]) => [...storeStatements(store), ...statements]),
        userData: ({ hostKeySecretArn }) =>
          pulumi.output(args.region).apply((region) =>
            runnerUserData({
              environment,
              authorizedKeys: [keys.publicKey],
              hostKey: { secretId: hostKeySecretArn, publicKey: keys.hostKey, region },
              stopAfterMinutes,
            }),
          ),
      },
      { parent: this },
    );
    this.address = host.address;
    this.instanceId = host.instanceId;
    this.securityGroupId = host.securityGroupId;
    this.roleArn = host.roleArn;
    this.registerOutputs({
      address: this.address,
      instanceId: this.instanceId,
      securityGroupId: this.securityGroupId,
      roleArn: this.roleArn,
    });
  }
}
