import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { BackupBucket } from "../../../components/aws/backupBucket.js";
import type { Statement } from "../../../components/aws/policies.js";
import { valueOf } from "../mocks.js";
import { recordAws, watched } from "./mocks.js";

describe("BackupBucket", function () {
  // The first import of @pulumi/aws takes longer than mocha's own limit.
  this.timeout(60_000);
  let bucket: BackupBucket;
  const make = (args: ConstructorParameters<typeof BackupBucket>[1]) =>
    recordAws(() => (bucket = new BackupBucket("backups", args, watched())));

  it("is encrypted with a key of its own, versioned, and closed to the public", async () => {
    const made = await make({});
    const key = made.one("aws:kms/key:Key");
    assert.equal(key.inputs["enableKeyRotation"], true);
    const encryption = made.one(
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    ).inputs;
    const [rule] = encryption["rules"] as { applyServerSideEncryptionByDefault: Record<string, string> }[];
    assert.equal(rule?.applyServerSideEncryptionByDefault["sseAlgorithm"], "aws:kms");
    assert.match(rule?.applyServerSideEncryptionByDefault["kmsMasterKeyId"] ?? "", /^arn:aws:kms:/);
    assert.deepEqual(made.one("aws:s3/bucketVersioning:BucketVersioning").inputs["versioningConfiguration"], {
      status: "Enabled",
    });
    const { bucket: _, ...block } = made.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs;
    assert.deepEqual(block, {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    assert.equal(made.one("aws:s3/bucket:Bucket").inputs["forceDestroy"], false);
  });

  it("is reached by TLS only", async () => {
    const made = await make({});
    const { Statement: statements } = JSON.parse(
      made.one("aws:s3/bucketPolicy:BucketPolicy").inputs["policy"] as string,
    ) as { Statement: Statement[] };
    assert.equal(statements.length, 2);
    for (const { Effect: effect, Principal: principal, Action: action, Resource: resource } of statements) {
      assert.deepEqual([effect, principal, action], ["Deny", "*", "s3:*"]);
      assert.equal(resource.length, 2, "the bucket and what is in it");
    }
    assert.deepEqual(
      statements.map(({ Condition: condition }) => condition),
      [{ Bool: { "aws:SecureTransport": "false" } }, { NumericLessThan: { "s3:TlsVersion": "1.2" } }],
    );
  });

  it("drops what was removed after a while, and half uploads", async () => {
    const made = await make({ keepRemovedDays: 14 });
    const rules = made.one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration").inputs[
      "rules"
    ] as Record<string, unknown>[];
    assert.deepEqual(rules[0]?.["noncurrentVersionExpiration"], { noncurrentDays: 14 });
    assert.deepEqual(rules[1]?.["abortIncompleteMultipartUpload"], { daysAfterInitiation: 7 });
    assert.ok(
      rules.every((rule) => !("days" in ((rule["expiration"] as object | undefined) ?? {}))),
      "no backup expires",
    );
  });

  it("locks versions where it is told to, and only there", async () => {
    const open = await make({});
    assert.deepEqual(open.all("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"), []);
    const locked = await make({ lockDays: 30 });
    assert.equal(locked.one("aws:s3/bucket:Bucket").inputs["objectLockEnabled"], true);
    assert.deepEqual(locked.one("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration").inputs["rule"], {
      defaultRetention: { mode: "GOVERNANCE", days: 30 },
    });
  });

  it("protects what holds data, or its key, in production", async () => {
    for (const protect of [true, false]) {
      const made = await make({ protect });
      for (const type of ["aws:kms/key:Key", "aws:s3/bucket:Bucket"]) {
        const { options } = made.one(type);
        assert.deepEqual([options.protect, options.retainOnDelete], [protect, protect], type);
      }
    }
  });

  it("stays as it is while it cannot be deleted: its settings end with it, and its key after it", async () => {
    const made = await make({});
    const settings = made.declared.filter(({ type }) => /^aws:s3\/bucket.+:Bucket.+$/.test(type));
    assert.equal(settings.length, 6);
    for (const { type, options } of settings) assert.equal(options.retainOnDelete, true, type);
    const [key, ...more] = [made.one("aws:s3/bucket:Bucket").options.dependsOn ?? []].flat();
    assert.ok(pulumi.Resource.isInstance(key) && more.length === 0);
    assert.match(await valueOf(key.urn), /aws:kms\/key:Key::backups-key$/);
  });

  it("gives its URL and what a role needs", async () => {
    await make({ bucketName: "my-backups", prefix: "shop" });
    assert.equal(await valueOf(bucket.url), "s3://my-backups/shop?region=eu-west-1");
    const access = await valueOf(bucket.access);
    assert.deepEqual([access.bucketArn, access.prefix], ["arn:aws:s3:::my-backups", "shop"]);
    assert.match(access.keyArn, /^arn:aws:kms:/);
  });
});
