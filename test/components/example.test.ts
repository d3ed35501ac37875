import assert from "node:assert/strict";
import program from "../../docs/examples/billing.js";
import { type Composed, compose } from "./program.js";
import { client, from, host } from "./shippedStacks.js";
import { backup, migrate, preflight, rehearsal, verify } from "./stageResults.js";

/** What docs/components.md shows: the components in a program of somebody else's, several of a kind in one. */
describe("docs/examples/billing.ts", function () {
  this.timeout(120_000);
  let made: Composed;
  const all = (type: string) => made.resources.filter((resource) => resource.type === type);

  before(async () => {
    const keys = { publicKey: client.public, privateKey: client.private, hostKey: host.public };
    const own = { from: [from], ...keys, hostPrivateKey: host.private };
    const owner = Object.fromEntries(Object.entries(own).map(([key, value]) => [`safe-migration:${key}`, value]));
    const answers = { preflight, backup, rehearse: rehearsal, migrate, verify };
    made = await compose({ stack: "dev", owner: { ...owner, "aws:region": "eu-west-1" }, answers, program });
  });

  it("is composed of several of a kind, no two of them by one name", () => {
    const components = made.resources.filter(({ type }) => type.startsWith("safe-migration:"));
    assert.deepEqual(components.map(({ type, name }) => `${type.split(":")[2] ?? ""} ${name}`).sort(), [
      "BackupBucket billing-backups",
      "BackupBucket reports-backups",
      "Ec2Postgres billing",
      "Host billing-host",
      "Host reports-runner-host",
      "MigrationPipeline billing-migrations",
      "Network billing",
      "RdsPostgres reports",
      "RemoteRunner billing-runner",
      "RunnerHost reports-runner",
    ]);
    const urns = made.resources.map(({ urn }) => urn);
    assert.equal(new Set(urns).size, urns.length);
    assert.match(String(made.outputs["store"]), /^s3:\/\/billing-backups-.+\/backups\?region=eu-west-1$/);
    assert.deepEqual(made.outputs["migrations"], verify.migrations);
  });

  it("is as closed as the stacks of this project, without being told", () => {
    for (const { inputs } of all("aws:ec2/instance:Instance")) {
      assert.equal((inputs["metadataOptions"] as { httpTokens: string }).httpTokens, "required");
      assert.equal((inputs["rootBlockDevice"] as { encrypted: boolean }).encrypted, true);
    }
    const rds = all("aws:rds/instance:Instance")[0]?.inputs;
    assert.deepEqual(
      [rds?.["publiclyAccessible"], rds?.["storageEncrypted"], rds?.["deletionProtection"], rds?.["skipFinalSnapshot"]],
      [false, true, true, false],
    );
    const rules = all("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule").map(({ inputs }) => [
      inputs["cidrIpv4"],
      inputs["fromPort"],
    ]);
    assert.deepEqual(
      rules.sort(),
      [
        [from, 22],
        [from, 22],
        [undefined, 5432],
      ].sort(),
    );
    assert.equal(all("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").length, 2);
    const locked = all("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration");
    assert.deepEqual(
      locked.map(({ name }) => name),
      ["billing-backups-lock"],
    );
    const kept = made.resources.filter(({ protect }) => protect).map(({ name }) => name);
    assert.deepEqual(kept.sort(), [
      "billing-backups-bucket",
      "billing-backups-key",
      "billing-data",
      "billing-host-instance",
    ]);
  });

  it("runs each stage after the one before, on a host that is ready", () => {
    const commands = all("command:remote:Command").map(({ name }) => name);
    assert.deepEqual(commands, [
      "billing-ready",
      "billing-runner-room",
      "billing-runner-install",
      ...["preflight", "backup", "rehearse", "migrate", "verify"].map((stage) => `billing-migrations-${stage}`),
    ]);
  });
});
