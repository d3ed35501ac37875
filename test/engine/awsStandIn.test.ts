import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import {
  DeleteBucketCommand,
  DeleteObjectCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, type PulumiFn, type Stack } from "@pulumi/pulumi/automation";
import { type AwsStandIn, installAwsStandIn } from "../support/aws/standIn.js";
import { type Moto, motoOrSkip, motoRegion } from "../support/moto.js";
import "../support/ownConnections.js";

/** A resource of AWS by its type's name, as the engine is asked for it; what the SDK's types would refuse gets through. */
class Raw extends pulumi.CustomResource {
  constructor(type: string, name: string, inputs: pulumi.Inputs, options?: pulumi.CustomResourceOptions) {
    super(`aws:${type}`, name, { arn: undefined, ...inputs }, options);
  }
}
const bucket = "s3/bucket:Bucket";

/** The stand-in itself, through the real engine: what it refuses, so that tests on it prove something. */
describe("the stand-in for AWS's control plane, through the engine", function () {
  this.timeout(120_000);
  let folder: string;
  let moto: Moto;
  let standIn: AwsStandIn;
  let stack: Stack;
  let output: string[];

  before(async function () {
    moto = await motoOrSkip(this);
    standIn = await installAwsStandIn(moto);
    folder = await mkdtemp(join(tmpdir(), "aws-stand-in-test-"));
    for (const name of ["work", "state"]) await mkdir(join(folder, name));
    stack = await LocalWorkspace.createOrSelectStack(
      { stackName: "test", projectName: "aws-stand-in", program: () => Promise.resolve({}) },
      {
        workDir: join(folder, "work"),
        envVars: {
          ...standIn.env,
          PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
          PULUMI_CONFIG_PASSPHRASE: "of the test",
          PULUMI_CONFIG_PASSPHRASE_FILE: "",
        },
      },
    );
    await stack.setConfig("aws:region", { value: motoRegion });
  });
  after(async () => {
    await standIn?.remove();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  const options = (make: () => void) => {
    output = [];
    const program: PulumiFn = () => {
      make();
      return Promise.resolve({});
    };
    return { program, onOutput: (chunk: string) => void output.push(chunk), color: "never" as const };
  };
  const up = async (make: () => void) => (await stack.up(options(make))).summary.resourceChanges;
  const refusal = async (make: () => void, operation: "up" | "preview" = "preview") => {
    await assert.rejects(stack[operation](options(make)));
    return output.join("");
  };
  const names = async () => (await moto.s3.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name) ?? [];

  it("refuses what @pulumi/aws does not declare, and a type that the model does not know", async () => {
    const before = await names();
    const lokked = await refusal(() => new Raw(bucket, "unknown", { lokked: true }));
    assert.match(lokked, /property lokked value \{true\} has a problem: .*"lokked" is not expected here/);
    assert.match(await refusal(() => new Raw("sqs/queue:Queue", "queue", {})), /knows no aws:sqs\/queue:Queue/);
    assert.deepEqual(await names(), before);
  });

  it("makes nothing in a preview, and in an update what the pipeline comes to; changes nothing the second time", async () => {
    const before = await names();
    const make = (size: number, zone = "eu-west-1a") => {
      const made = new Raw(bucket, "kept", { objectLockEnabled: true });
      new Raw("s3/bucketVersioning:BucketVersioning", "versions", {
        bucket: made.id,
        versioningConfiguration: { status: "Enabled" },
      });
      const secret = new Raw("secretsmanager/secret:Secret", "secret", {});
      new Raw("secretsmanager/secretVersion:SecretVersion", "secret", {
        secretId: secret.id,
        secretString: pulumi.secret("of the secret"),
      });
      new Raw("ebs/volume:Volume", "volume", { availabilityZone: zone, size }, { protect: true });
    };
    await stack.preview(options(() => make(10)));
    assert.deepEqual(await names(), before);
    assert.deepEqual(await up(() => make(10)), { create: 6 });
    const { resources } = (await stack.exportStack()).deployment as {
      resources: { id: string; type: string; outputs?: Record<string, unknown> }[];
    };
    const idOf = (type: string) => resources.find((resource) => resource.type === `aws:${type}`)?.id ?? "";
    await moto.s3.send(new HeadBucketCommand({ Bucket: idOf(bucket) }));
    const { SecretString } = await moto.secrets.send(
      new GetSecretValueCommand({ SecretId: idOf("secretsmanager/secret:Secret") }),
    );
    assert.equal(SecretString, "of the secret");
    assert.deepEqual(await up(() => make(10)), { same: 6 });
    assert.deepEqual(await up(() => make(20)), { same: 5, update: 1 });
    // What only another resource can be is replaced; and what is protected is not.
    assert.match(
      await refusal(() => make(20, "eu-west-1b")),
      /unable to replace .*ebs\/volume:Volume::volume"\s+as it is currently marked for protection/,
    );
  });

  it("deletes nothing that holds data: a bucket with an object", async () => {
    const made = (await names()).find((name) => name?.startsWith("kept-"));
    await moto.s3.send(new PutObjectCommand({ Bucket: made, Key: "backup", Body: "data" }));
    const refused = await refusal(
      () => new Raw("ebs/volume:Volume", "volume", { availabilityZone: "eu-west-1a", size: 20 }, { protect: true }),
      "up",
    );
    assert.match(refused, /bucket you tried to delete is not empty/i);
    assert.ok((await names()).includes(made));
  });

  it("finds out in a refresh that a bucket is gone", async () => {
    const made = (await names()).find((name) => name?.startsWith("kept-"));
    await moto.s3.send(new DeleteObjectCommand({ Bucket: made, Key: "backup" }));
    const { Versions = [], DeleteMarkers = [] } = await moto.s3.send(new ListObjectVersionsCommand({ Bucket: made }));
    for (const { Key, VersionId } of [...Versions, ...DeleteMarkers])
      await moto.s3.send(new DeleteObjectCommand({ Bucket: made, Key, VersionId }));
    await moto.s3.send(new DeleteBucketCommand({ Bucket: made }));
    await stack.refresh({ onOutput: () => undefined });
    const { resources } = (await stack.exportStack()).deployment as { resources: { type: string }[] };
    assert.ok(!resources.some(({ type }) => type === `aws:${bucket}`));
  });
});
