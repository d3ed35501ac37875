import assert from "node:assert/strict";
import { utils } from "ssh2";
import { Ec2Postgres } from "../../../components/aws/ec2Postgres.js";
import type { Statement } from "../../../components/aws/policies.js";
import { RdsPostgres } from "../../../components/aws/rdsPostgres.js";
import { RunnerHost } from "../../../components/aws/runnerHost.js";
import { unpackScript } from "../../../components/userData/script.js";
import { valueOf } from "../mocks.js";
import { type Declared, type Recorded, recordAws, watched } from "./mocks.js";

const hostPrivateKey = utils.generateKeyPairSync("ed25519").private;
const keys = {
  publicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIClient",
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHost",
  hostPrivateKey,
};
const store = { bucketArn: "arn:aws:s3:::own", keyArn: "arn:aws:kms:eu-west-1:1:key/own", prefix: "backups" };
const place = { vpcId: "vpc-1", subnetId: "subnet-1", sshFrom: ["203.0.113.7/32"], region: "eu-west-1" };

function statementsOf(made: Recorded): Statement[] {
  const { Statement: statements } = JSON.parse(
    made.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"] as string,
  ) as {
    Statement: Statement[];
  };
  return statements;
}

/** What a host of either kind has to be like. */
function isClosedHost(made: Recorded): void {
  const { inputs } = made.one("aws:ec2/instance:Instance");
  assert.deepEqual(inputs["metadataOptions"], {
    httpEndpoint: "enabled",
    httpTokens: "required",
    httpPutResponseHopLimit: 1,
  });
  assert.equal((inputs["rootBlockDevice"] as { encrypted: boolean }).encrypted, true);
  const rules = made.all("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule");
  assert.deepEqual(
    rules.map((rule) => [
      rule.inputs["cidrIpv4"],
      rule.inputs["fromPort"],
      rule.inputs["toPort"],
      rule.inputs["ipProtocol"],
    ]),
    [["203.0.113.7/32", 22, 22, "tcp"]],
    "SSH from named addresses, and nothing else",
  );
  const attached = made.all("aws:iam/rolePolicyAttachment:RolePolicyAttachment");
  assert.deepEqual(
    attached.map(({ inputs: attachment }) => attachment["policyArn"]),
    ["arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"],
  );
  for (const { Action: actions, Resource: resource } of statementsOf(made)) {
    for (const action of [actions].flat()) assert.doesNotMatch(action, /\*|ObjectVersion|Lifecycle|Retention|Bypass/);
    for (const one of [resource].flat()) assert.notEqual(one, "*");
  }
  const userData = unpackScript(inputs["userData"] as string);
  assert.ok(!userData.includes("PRIVATE KEY"), "user data can be read by whoever may describe the instance");
  assert.ok(!userData.includes(Buffer.from(hostPrivateKey).toString("base64").slice(0, 40)));
  assert.match(userData, /arn:aws:secretsmanager:/);
}

const scriptOf = (made: Recorded) => unpackScript(made.one("aws:ec2/instance:Instance").inputs["userData"] as string);

describe("Ec2Postgres", function () {
  this.timeout(60_000);
  let postgres: Ec2Postgres;
  const make = (more: Partial<ConstructorParameters<typeof Ec2Postgres>[1]> = {}) =>
    recordAws(
      () =>
        (postgres = new Ec2Postgres(
          "pg",
          { environment: "staging", database: "shop", owner: "shop", keys, store, ...place, ...more },
          watched(),
        )),
    );

  it("is a closed host whose role reaches its own bucket and its own key only", async () => {
    const made = await make();
    isClosedHost(made);
    const resources = statementsOf(made).flatMap(({ Resource: resource }) => resource);
    const hostKey = made.all("aws:secretsmanager/secret:Secret");
    assert.equal(hostKey.length, 1);
    assert.deepEqual(
      resources.map((one) => one.replace(/^arn:aws:secretsmanager:.*$/, "the secret")),
      [
        "arn:aws:s3:::own",
        "arn:aws:s3:::own/backups/*",
        "arn:aws:kms:eu-west-1:1:key/own",
        "arn:aws:s3:::own",
        "arn:aws:s3:::own/archive/*",
        "the secret",
      ],
    );
    const listed = (name: string) => statementsOf(made).find(({ Sid: sid }) => sid === name)?.Condition;
    assert.deepEqual(listed("ListStore"), { StringLike: { "s3:prefix": "backups/*" } });
    assert.deepEqual(listed("ListArchive"), { StringLike: { "s3:prefix": "archive/*" } });
  });

  it("archives its WAL in the bucket, for as many days as it is told, or not at all", async () => {
    assert.match(scriptOf(await make()), /^repo1-s3-bucket=own$[^]*^repo1-retention-full=14$/m);
    assert.match(scriptOf(await make({ recoveryDays: 3 })), /^repo1-retention-full=3$/m);
    const none = await make({ recoveryDays: 0 });
    assert.doesNotMatch(scriptOf(none), /repo1/);
    assert.ok(!statementsOf(none).some(({ Sid: sid }) => /Archive/.test(sid)));
  });

  it("takes Debian's own image for the processor of its type, and another only where one is named", async () => {
    for (const [instanceType, name, architecture] of [
      ["t4g.small", "debian-13-arm64-*", "arm64"],
      ["t3.small", "debian-13-amd64-*", "x86_64"],
    ] as const) {
      const { asked } = await make({ instanceType });
      const question = asked.find(({ token }) => token === "aws:ec2/getAmi:getAmi")?.args;
      assert.deepEqual(question?.["owners"], ["136693071363"]);
      const filters = question["filters"] as { name: string; values: string[] }[];
      const valueOfFilter = (wanted: string) => filters.find((filter) => filter.name === wanted)?.values;
      assert.deepEqual(valueOfFilter("name"), [name]);
      assert.deepEqual(valueOfFilter("architecture"), [architecture]);
    }
    const given = await make({ imageId: "ami-1" });
    assert.equal(given.one("aws:ec2/instance:Instance").inputs["ami"], "ami-1");
    assert.ok(!given.asked.some(({ token }) => token === "aws:ec2/getAmi:getAmi"));
  });

  it("leaves a host that is there as it is when a newer image or script appears", async () => {
    const newest = await make();
    assert.deepEqual(newest.one("aws:ec2/instance:Instance").options.ignoreChanges, ["ami", "userData"]);
    const given = await make({ imageId: "ami-1" });
    assert.deepEqual(given.one("aws:ec2/instance:Instance").options.ignoreChanges, ["userData"]);
  });

  it("keeps its data on an encrypted volume of its own, moved to another host only once PostgreSQL has stopped", async () => {
    const made = await make();
    const volume = made.one("aws:ebs/volume:Volume");
    assert.deepEqual([volume.inputs["encrypted"], volume.inputs["finalSnapshot"]], [true, true]);
    // Not made anew, and empty, where its host goes to another zone.
    assert.deepEqual(volume.options.ignoreChanges, ["availabilityZone"]);
    const attachment = made.one("aws:ec2/volumeAttachment:VolumeAttachment");
    assert.equal(attachment.inputs["stopInstanceBeforeDetaching"], true);
    assert.equal(attachment.options.deleteBeforeReplace, true);
    const id = await valueOf(postgres.volumeId);
    assert.match(scriptOf(made), new RegExp(`volume=${id}`));
  });

  it("is protected in production, with its data", async () => {
    for (const protect of [true, false]) {
      const made = await make({ protect });
      const [volume, instance] = [made.one("aws:ebs/volume:Volume"), made.one("aws:ec2/instance:Instance")];
      assert.deepEqual([volume.options.protect, volume.options.retainOnDelete], [protect, protect]);
      assert.deepEqual([instance.options.protect, instance.inputs["disableApiTermination"]], [protect, protect]);
    }
  });

  it("has no public address behind a bastion", async () => {
    const made = await make({ publicAddress: false });
    assert.equal(made.one("aws:ec2/instance:Instance").inputs["associatePublicIpAddress"], false);
    assert.deepEqual(made.all("aws:ec2/eip:Eip"), []);
    assert.equal(await valueOf(postgres.address), "10.42.0.10");
  });

  it("gives the database as its host reaches it, without a password", async () => {
    await make();
    const database = await valueOf(postgres.database);
    assert.deepEqual(database.password, { from: "none" });
    assert.match(database.host, /^\//);
    assert.deepEqual(database.archive, { stanza: "staging" });
    await make({ recoveryDays: 0 });
    assert.equal((await valueOf(postgres.database)).archive, undefined);
  });
});

describe("RunnerHost", function () {
  this.timeout(60_000);
  it("is a closed host whose role also does what it is told", async () => {
    const statement: Statement = {
      Sid: "X",
      Effect: "Allow",
      Action: "secretsmanager:GetSecretValue",
      Resource: "arn:x",
    };
    const made = await recordAws(
      () => new RunnerHost("r", { environment: "dev", keys, store, statements: [statement], ...place }, watched()),
    );
    isClosedHost(made);
    assert.ok(statementsOf(made).some(({ Sid: sid }) => sid === "X"));
  });
});

describe("RdsPostgres", function () {
  this.timeout(60_000);
  let postgres: RdsPostgres;
  const make = (more: Partial<ConstructorParameters<typeof RdsPostgres>[1]> = {}) =>
    recordAws(
      () =>
        (postgres = new RdsPostgres(
          "pg",
          { environment: "dev", database: "shop", owner: "shop", vpcId: "vpc-1", subnetIds: ["a", "b"], ...more },
          watched(),
        )),
    );
  const instance = (made: Recorded) => made.one("aws:rds/instance:Instance");

  it("is private and encrypted, its password kept by RDS, and has backups of its own", async () => {
    const { inputs } = instance(await make({ database: "shop_v2_" }));
    const wanted = {
      engine: "postgres",
      engineVersion: "17",
      publiclyAccessible: false,
      storageEncrypted: true,
      manageMasterUserPassword: true,
      backupRetentionPeriod: 7,
      maxAllocatedStorage: 100,
      performanceInsightsEnabled: true,
      deletionProtection: true,
      skipFinalSnapshot: false,
      applyImmediately: false,
    };
    for (const [key, value] of Object.entries(wanted)) assert.equal(inputs[key], value, key);
    assert.equal(inputs["password"], undefined);
    // Of its own for each making of the stack, which the subnet group's name stands for, and for each name of the database.
    assert.match(
      String(inputs["finalSnapshotIdentifier"]),
      /^[a-z][a-z0-9]*(-[a-z0-9]+)*-pg-subnets(-[a-z0-9]+)*-shop-v2$/,
    );
  });

  it("lets nobody in until it is told, and then only that group", async () => {
    const closed = await make();
    assert.deepEqual(closed.all("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"), []);
    const open = await recordAws(() => {
      const made = new RdsPostgres(
        "pg",
        { environment: "dev", database: "shop", owner: "shop", vpcId: "v", subnetIds: [] },
        watched(),
      );
      made.letIn("runner", "sg-runner");
      return made;
    });
    const rule = open.one("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule").inputs;
    assert.deepEqual(
      [rule["referencedSecurityGroupId"], rule["fromPort"], rule["toPort"], rule["cidrIpv4"]],
      ["sg-runner", 5432, 5432, undefined],
    );
  });

  it("is public only to addresses that are named", async () => {
    const made = await make({ publicFrom: ["203.0.113.7/32"] });
    assert.equal(instance(made).inputs["publiclyAccessible"], true);
    const rule = made.one("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule").inputs;
    assert.equal(rule["cidrIpv4"], "203.0.113.7/32");
  });

  it("forces TLS in the server, and verifies it in the client", async () => {
    const made = await make({ engineVersion: "16.4" });
    // That of copies, too.
    for (const { inputs: group } of made.all("aws:rds/parameterGroup:ParameterGroup")) {
      assert.equal(group["family"], "postgres16");
      assert.equal(parametersIn(group).get("rds.force_ssl"), "1");
    }
    assert.deepEqual((await valueOf(postgres.database)).tls, { ca: "rds" });
  });

  it("gives where its password is, and lets a role read that and keep the application's", async () => {
    await make();
    const { password } = await valueOf(postgres.database);
    assert.equal(password.from, "secretsManager");
    const statements = await valueOf(postgres.statements);
    assert.deepEqual(
      statements.slice(0, 2).map(({ Sid: sid, Resource: resource }) => [sid, [resource].flat().length]),
      [
        ["ReadMasterPassword", 1],
        ["KeepApplicationPassword", 1],
      ],
    );
    assert.deepEqual(statements[1]?.Resource, await valueOf(postgres.applicationSecretArn));
  });

  it("says where its copies are restored, with parameters by which nothing in them acts by itself", async () => {
    const made = await make();
    const { rds } = await valueOf(postgres.database);
    assert.deepEqual(rds?.region, "eu-west-1");
    const [own, copies] = made.all("aws:rds/parameterGroup:ParameterGroup");
    assert.equal(instance(made).inputs["parameterGroupName"], own?.inputs["name"] ?? own?.name);
    const parameters = parametersIn(copies?.inputs ?? {});
    assert.equal(parameters.get("max_logical_replication_workers"), "0");
    assert.equal(parameters.get("shared_preload_libraries"), "pg_stat_statements");
    assert.ok(!parametersIn(own?.inputs ?? {}).has("max_logical_replication_workers"));
  });

  it("lets a role restore beside, and with DB snapshots make its own and delete its copies: never touch the instance itself", async () => {
    const allowed = async (snapshots: boolean) => {
      await make({ snapshots });
      return (await valueOf(postgres.statements)).slice(2);
    };
    const actions = (statements: Statement[]) => statements.flatMap(({ Action: each }) => each).sort();
    const always = [
      ...["kms:DescribeKey", "rds:AddTagsToResource", "rds:DescribeDBInstanceAutomatedBackups"],
      ...["rds:DescribeDBInstances", "rds:DescribeDBSnapshots", "rds:RestoreDBInstanceToPointInTime"],
      ...["secretsmanager:CreateSecret", "secretsmanager:GetSecretValue", "secretsmanager:TagResource"],
    ];
    assert.deepEqual(actions(await allowed(false)), always);
    const more = ["rds:AddTagsToResource", "rds:CreateDBSnapshot", "rds:DeleteDBInstance", "rds:DeleteDBSnapshot"];
    const statements = await allowed(true);
    assert.deepEqual(actions(statements), [...always, ...more, "rds:RestoreDBInstanceFromDBSnapshot"].sort());
    const find = (action: string) => statements.filter(({ Action: each }) => [each].flat().includes(action));
    const resources = (action: string) => find(action).flatMap(({ Resource: each }) => each);
    const { rds } = await valueOf(postgres.database);
    const arn = (what: string) => `arn:aws:rds:eu-west-1:123456789012:${what}`;
    for (const { Resource: each } of statements) assert.ok(![each].flat().includes("*"));
    assert.deepEqual(resources("rds:DeleteDBInstance"), [arn("db:sm-dev-rehearse-*")]);
    assert.deepEqual(resources("rds:DeleteDBSnapshot"), [arn("snapshot:sm-dev-backup-*")]);
    assert.deepEqual(resources("rds:CreateDBSnapshot"), [arn(`db:${rds?.instance}`), arn("snapshot:sm-dev-backup-*")]);
    const naming = statements.filter(({ Resource: each }) => [each].flat().includes(arn(`db:${rds?.instance}`)));
    assert.deepEqual(
      naming.map(({ Sid: sid }) => sid),
      ["RestoreMoment", "MakeSnapshot"],
    );
    assert.deepEqual(find("rds:DeleteDBInstance")[0]?.Condition, {
      StringEquals: {
        "aws:ResourceTag/safe-migration:instance": rds?.instance,
        "aws:ResourceTag/safe-migration:purpose": "rehearsal",
      },
    });
    assert.deepEqual(find("secretsmanager:GetSecretValue")[0]?.Condition, {
      StringLike: {
        "aws:ResourceTag/aws:rds:primaryDBInstanceArn": [arn("db:sm-dev-rehearse-*"), arn("db:sm-dev-beside-*")],
      },
    });
  });

  it("is protected in production", async () => {
    const { options } = instance(await make({ protect: true }));
    assert.deepEqual([options.protect, options.retainOnDelete], [true, true]);
  });
});

function parametersIn(group: Declared["inputs"]): Map<string, string> {
  return new Map((group["parameters"] as { name: string; value: string }[]).map(({ name, value }) => [name, value]));
}
