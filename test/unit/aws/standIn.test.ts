import assert from "node:assert/strict";
import { secret, unknown, type WireObject } from "../../../tools/command-plugin/wire.js";
import { functions, resources } from "../../support/aws/model.js";
import { check } from "../../support/aws/plugin/check.js";
import { readIn, replaces, replacing } from "../../support/aws/plugin/replaces.js";
import { readSchema, type Schema } from "../../support/aws/schema.js";

/** What the stand-in for AWS holds inputs to: the declarations of the npm package, read by TypeScript. */
describe("stand-in for AWS: held to what @pulumi/aws declares", function () {
  this.timeout(60_000);
  let schema: Schema;

  before(() => {
    schema = readSchema(Object.keys(resources), Object.keys(functions));
  });

  const failures = (type: string, inputs: WireObject) => {
    const declared = schema.resources[type] ?? assert.fail(type);
    return check(declared.inputs, inputs, schema.types).map(({ property, reason }) => `${property}: ${reason}`);
  };
  const bucket = "aws:s3/bucket:Bucket";
  const rule = { applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms" }, bucketKeyEnabled: true };
  const encryption = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration";

  it("knows the regions, and each resource and question of the model", () => {
    assert.ok(schema.regions.includes("eu-west-1") && !schema.regions.includes("eu-wst-1"));
    assert.deepEqual(Object.keys(schema.resources), Object.keys(resources));
    assert.deepEqual(Object.keys(schema.functions), Object.keys(functions));
  });

  it("refuses a name that is not declared, at any depth, and one that is required and missing", () => {
    assert.deepEqual(failures(bucket, { forceDestroy: false, objectLockEnabled: true }), []);
    assert.deepEqual(failures(bucket, { lokked: true }), [
      'lokked: Invalid or unknown key: "lokked" is not expected here',
    ]);
    assert.deepEqual(failures(encryption, { bucket: "b", rules: [rule] }), []);
    assert.deepEqual(failures(encryption, { rules: [{ ...rule, key: "k" }] }), [
      'bucket: Missing required argument: "bucket" is required',
      'rules[0].key: Invalid or unknown key: "key" is not expected here',
    ]);
    assert.deepEqual(failures(encryption, { bucket: "b", rules: [{ applyServerSideEncryptionByDefault: {} }] }), [
      'rules[0].applyServerSideEncryptionByDefault.sseAlgorithm: Missing required argument: "sseAlgorithm" is required',
    ]);
  });

  it("refuses a value of another kind, a secret one too, and waits for what is not known yet", () => {
    assert.deepEqual(failures(bucket, { forceDestroy: "no" }), ["forceDestroy: expected a boolean"]);
    assert.deepEqual(failures(bucket, { forceDestroy: secret("no") }), ["forceDestroy: expected a boolean"]);
    assert.deepEqual(failures(bucket, { forceDestroy: unknown, tags: { Name: unknown } }), []);
    assert.deepEqual(failures(bucket, { tags: { Name: 1 } }), ["tags.Name: expected a string"]);
    assert.deepEqual(failures(encryption, { bucket: "b", rules: rule }), ["rules: expected a list"]);
  });

  it("refuses a resource that is not declared", () => {
    assert.throws(() => readSchema(["aws:s3/bucket:Bukket"], []), /declares no aws:s3\/bucket:Bukket/);
  });

  it("replaces what cannot be changed in place, and nothing else: properties that are declared", () => {
    for (const [type, properties] of Object.entries(replaces)) {
      const known = Object.keys((schema.resources[type] ?? assert.fail(type)).inputs.properties);
      for (const property of properties) assert.ok(known.includes(property.split(".")[0] ?? ""), `${type} ${property}`);
    }
    const paths = ["ami", "instanceType", "rootBlockDevice.volumeSize", "rootBlockDevice.encrypted", "tags.Name"];
    assert.deepEqual([...replacing("aws:ec2/instance:Instance", paths)], ["ami", "rootBlockDevice.encrypted"]);
    // A rule lets in another range in place; from a range to a group it is made anew.
    const rule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
    assert.deepEqual([...replacing(rule, ["cidrIpv4", "toPort"])], []);
    const sources = ["cidrIpv4", "referencedSecurityGroupId"];
    assert.deepEqual([...replacing(rule, [...sources, "toPort"])], sources);
  });

  it("says of each type where in the provider's source that was read", () => {
    const types = Object.keys(resources).sort();
    assert.deepEqual(Object.keys(replaces).sort(), types);
    assert.deepEqual(Object.keys(readIn).sort(), types);
  });
});
