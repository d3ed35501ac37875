import * as pulumi from "@pulumi/pulumi";
import { BackupBucket } from "../aws/backupBucket.js";
import { Network, type NetworkPlace } from "../aws/network.js";
import { type Statement, readStoreStatements } from "../aws/policies.js";
import { type EnvironmentArgs, isProtected } from "./environment.js";

/** What the host may do beside, where the environment is refreshed from another one's backups. */
export function mayReadBackups({ refreshFrom }: EnvironmentArgs): Statement[] {
  const { environment, access } = refreshFrom ?? {};
  return environment === undefined || access === undefined ? [] : readStoreStatements(environment, access);
}

/** The network that the configuration names, else one of the stack's own. */
export function networkOf({ name, config: { network } }: EnvironmentArgs): NetworkPlace {
  if (network.vpcId === "") return new Network(`network-${name}`, { cidr: network.cidr });
  const { vpcId, hostSubnetIds, databaseSubnetIds } = network;
  return { vpcId, hostSubnetIds, databaseSubnetIds };
}

/** The stack's bucket, where the store is one. */
export function bucketOf(args: EnvironmentArgs): BackupBucket {
  const { name, config } = args;
  const { store } = config;
  if (store.kind !== "s3") throw new Error(`not a store in S3: ${store.kind}`);
  return new BackupBucket(`backups-${name}`, {
    ...(store.bucket === "" ? {} : { bucketName: store.bucket }),
    lockDays: store.lockDays,
    keepRemovedDays: store.keepRemovedDays,
    protect: isProtected(args),
  });
}

/** The first of some subnets; each has its own zone, and a host is in one. */
export function firstOf(ids: NetworkPlace["hostSubnetIds"]): pulumi.Output<string> {
  return pulumi.output(ids).apply(([first]) => first ?? "");
}

/** The region that the stack is in. @throws where `aws:region` is not set. */
export function region(): string {
  return new pulumi.Config("aws").require("region");
}
