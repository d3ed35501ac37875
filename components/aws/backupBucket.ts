import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { type StoreAccess, policy, tlsOnly } from "./policies.js";

export interface BackupBucketArgs {
  /**
   * Name of the bucket, unique in all of AWS. Another name is another bucket: the old one is not removed while it holds anything.
   * @default made from the resource's name
   */
  readonly bucketName?: string;
  /** Folder in the bucket that the store is in, without `/` at either end. @default "backups" */
  readonly prefix?: string;
  /**
   * Days for which nobody but who may bypass governance can remove a version of an object (Object Lock). Can only be switched on
   * when the bucket is made.
   * @default 0: no lock
   */
  readonly lockDays?: number;
  /**
   * Days that a version stays after it was removed or replaced. Costs what it holds.
   * @default 30
   */
  readonly keepRemovedDays?: number;
  /** Refuses to delete it, and leaves it in AWS when it leaves the program. @default false */
  readonly protect?: boolean;
}

/**
 * A bucket for backups: encrypted with a key of its own, reached by TLS only and by nobody from outside, keeping what was removed
 * for a while. It is never emptied by Pulumi: deleting it fails while it holds a backup, and leaves it as it was, with its key.
 *
 * Costs about 1 USD a month for the key and 0.023 USD a month for each GB (see docs/cost.md).
 *
 * @example
 * const bucket = new BackupBucket("backups", { lockDays: 30, protect: true });
 * export const store = bucket.url;
 */
export class BackupBucket extends pulumi.ComponentResource {
  /** The store as the pipeline takes it: `s3://bucket/prefix?region=…`. */
  readonly url: pulumi.Output<string>;
  readonly bucketName: pulumi.Output<string>;
  /** What a role needs to be let use the store; see `storeStatements`. */
  readonly access: pulumi.Output<StoreAccess>;

  constructor(name: string, args: BackupBucketArgs = {}, options?: pulumi.ComponentResourceOptions) {
    super("safe-migration:aws:BackupBucket", name, {}, options);
    const { bucketName, prefix = "backups", lockDays = 0, keepRemovedDays = 30, protect = false } = args;
    // What is set of a bucket ends with it: while it cannot be deleted, as it holds backups, it stays as it is.
    const setting = { parent: this, retainOnDelete: true };
    const kept = { parent: this, protect, retainOnDelete: protect };

    const key = new aws.kms.Key(
      `${name}-key`,
      { description: `Backups of ${name}`, enableKeyRotation: true, deletionWindowInDays: 30 },
      kept,
    );
    const bucket = new aws.s3.Bucket(
      `${name}-bucket`,
      {
        ...(bucketName === undefined ? {} : { bucket: bucketName }),
        objectLockEnabled: lockDays > 0,
        forceDestroy: false,
      },
      // The key outlives it: without the key nobody could read the backups that are still there.
      { ...kept, dependsOn: [key] },
    );
    const versioning = new aws.s3.BucketVersioning(
      `${name}-versioning`,
      { bucket: bucket.id, versioningConfiguration: { status: "Enabled" } },
      setting,
    );
    const encryption = new aws.s3.BucketServerSideEncryptionConfiguration(
      `${name}-encryption`,
      {
        bucket: bucket.id,
        rules: [
          {
            applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: key.arn },
            // One request to the key for many objects.
            bucketKeyEnabled: true,
          },
        ],
      },
      setting,
    );
    const block = new aws.s3.BucketPublicAccessBlock(
      `${name}-no-public-access`,
      {
        bucket: bucket.id,
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      setting,
    );
    const ownership = new aws.s3.BucketOwnershipControls(
      `${name}-ownership`,
      { bucket: bucket.id, rule: { objectOwnership: "BucketOwnerEnforced" } },
      setting,
    );
    const access = new aws.s3.BucketPolicy(
      `${name}-policy`,
      { bucket: bucket.id, policy: bucket.arn.apply((arn) => policy(...tlsOnly(arn))) },
      // S3 refuses one of two changes of a bucket's access that come at once.
      { ...setting, dependsOn: [block] },
    );
    new aws.s3.BucketLifecycleConfiguration(
      `${name}-lifecycle`,
      { bucket: bucket.id, rules: lifecycle(keepRemovedDays) },
      { ...setting, dependsOn: [versioning] },
    );
    const locks =
      lockDays === 0
        ? []
        : [
            new aws.s3.BucketObjectLockConfiguration(
              `${name}-lock`,
              { bucket: bucket.id, rule: { defaultRetention: { mode: "GOVERNANCE", days: lockDays } } },
              { parent: this, dependsOn: [versioning] },
            ),
          ];

    this.bucketName = bucket.bucket;
    // Known only once all of that is set: what is written before has no lock, no older versions and another key.
    const set = [versioning, encryption, block, ownership, access, ...locks].map(({ id }) => id);
    this.url = pulumi
      .all([bucket.bucket, bucket.region, ...set])
      .apply(([made, region]) => `s3://${made}/${prefix}?region=${region}`);
    this.access = pulumi
      .all([bucket.arn, key.arn, pulumi.all(set)])
      .apply(([bucketArn, keyArn]) => ({ bucketArn, keyArn, prefix }));
    this.registerOutputs({ url: this.url, bucketName: this.bucketName, access: this.access });
  }
}

function lifecycle(keepRemovedDays: number): aws.types.input.s3.BucketLifecycleConfigurationRule[] {
  return [
    {
      id: "removed-versions",
      status: "Enabled",
      filter: { prefix: "" },
      noncurrentVersionExpiration: { noncurrentDays: keepRemovedDays },
      expiration: { expiredObjectDeleteMarker: true },
    },
    {
      id: "half-uploads",
      status: "Enabled",
      filter: { prefix: "" },
      abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
    },
  ];
}
