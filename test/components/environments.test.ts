import assert from "node:assert/strict";
import { ConfigError } from "../../config.js";
import { type Composed, type Registered, compose } from "./program.js";
import { type Stack, client, from, host, owner, shippedStacks, stacks } from "./shippedStacks.js";

/** Also those that a test makes of `dev` by what its owner sets. */
type Made = Stack | "public" | "existing" | "told" | "logging";
const stageNames = ["preflight", "backup", "rehearse", "migrate", "verify"].map((stage) => `pipeline-${stage}`);

/** Where Pulumi keeps secrets: the values themselves are in the engine's hands only. */
const secretMark = "4dabf18193072939515e22adb298388d";
const isSecret = (value: object): boolean => secretMark in value;

/** All text in a value, but for what Pulumi keeps as a secret. */
function openText(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || isSecret(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...openText(inner)]);
}

/** What gives a key away, as it is and in Base64 at each of its three offsets. */
function tracesOf(privateKey: string): string[] {
  const middle = privateKey.split("\n")[2] ?? "";
  const encoded = [0, 1, 2].map((cut) => Buffer.from(privateKey.slice(cut)).toString("base64").slice(40, 120));
  assert.ok(middle.length > 40);
  return [middle, ...encoded];
}

/** The program as it is, for each stack as it is shipped; AWS and the hosts are stand-ins, so that AWS takes it is not proved. */
describe("the stacks on AWS, each as a whole", function () {
  this.timeout(180_000);
  const made = {} as Record<Made, Composed>;
  let answers: Record<string, unknown>;
  let names: readonly string[];

  before(async () => {
    const shipped = await shippedStacks();
    ({ answers, names } = shipped);
    Object.assign(made, shipped.made);
  });

  const all = (stack: Made, type: string) => made[stack].resources.filter((resource) => resource.type === type);
  const named = (stack: Made, name: string): Registered => {
    const [found, ...more] = made[stack].resources.filter(
      (resource) => resource.name === name && resource.type.startsWith("command:"),
    );
    return found === undefined || more.length > 0 ? assert.fail(`${more.length + 1} of ${name}`) : found;
  };
  /** All that has to be there before a resource. */
  const waitsFor = (stack: Made, resource: Registered): Set<Registered> => {
    const byUrn = new Map(made[stack].resources.map((one) => [one.urn, one]));
    const found = new Set<Registered>();
    const visit = ({ after }: Registered) => {
      for (const urn of after) {
        const one = byUrn.get(urn);
        if (one === undefined || found.has(one)) continue;
        found.add(one);
        visit(one);
      }
    };
    visit(resource);
    return found;
  };
  const isBefore = (stack: Made, first: Registered, then: Registered) =>
    assert.ok(waitsFor(stack, then).has(first), `${then.name} does not wait for ${first.name} (${first.type})`);

  for (const stack of stacks) {
    describe(stack, () => {
      const stagesOf = () => [...(stack === "dev" ? ["database-prepare"] : []), ...stageNames, "measure"];

      it("is composed, and gives what the commands by hand and the next stack need", () => {
        const { outputs } = made[stack];
        assert.match(String(outputs["store"]), /^s3:\/\/.+\/backups\?region=eu-west-1$/);
        assert.deepEqual(
          (outputs["lastRun"] as { migrations: { name: string }[] }).migrations.map(({ name }) => name),
          names,
        );
        const { hostKey, ...reached } = outputs["host"] as Record<string, unknown>;
        assert.equal(hostKey, host.public);
        assert.deepEqual([reached["address"], reached["port"], reached["user"]], ["203.0.113.10", 22, "pipeline"]);
        assert.equal(all(stack, "aws:rds/instance:Instance").length, stack === "dev" ? 1 : 0);
        assert.equal(all(stack, "aws:ebs/volume:Volume").length, stack === "dev" ? 0 : 1);
        assert.match(made[stack].said, /Pending migrations \(against no run of this stack so far\): 7/);
      });

      it("runs the stages one after the other, on a host that is ready and has the pipeline", () => {
        const stages = stagesOf().map((name) => named(stack, name));
        const order = ["host-ready", "runner-room", "runner-copy", "runner-install"].map((name) => named(stack, name));
        const chain = [...order, ...stages];
        for (const [at, then] of chain.entries()) for (const first of chain.slice(0, at)) isBefore(stack, first, then);
        assert.equal(all(stack, "command:remote:Command").length, chain.length - 1);
        assert.equal(all(stack, "command:remote:CopyToRemote").length, 1);
      });

      it("sends nobody anywhere before he is let in, and writes nothing before its store is as it has to be", () => {
        const [first] = stagesOf().map((name) => named(stack, name));
        assert.ok(first !== undefined);
        const ready = named(stack, "host-ready");
        for (const rule of all(stack, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"))
          isBefore(stack, rule, rule.inputs["fromPort"] === 22 ? ready : first);
        const wayOut = made[stack].resources.filter(
          ({ type, name }) =>
            /:SecurityGroupEgressRule$|:RouteTableAssociation$/.test(type) && !/-database-\d$/.test(name),
        );
        assert.equal(wayOut.length, 3);
        for (const instance of all(stack, "aws:ec2/instance:Instance"))
          for (const needed of wayOut) isBefore(stack, needed, instance);
        for (const attachment of all(stack, "aws:ec2/volumeAttachment:VolumeAttachment"))
          isBefore(stack, attachment, ready);
        const settings = made[stack].resources.filter(({ type }) => /^aws:s3\/bucket.+:Bucket.+$/.test(type));
        const wanted = 6 - (stack === "prod" ? 0 : 1);
        const checked = settings.filter(({ type }) => !type.endsWith(":BucketLifecycleConfiguration"));
        assert.equal(checked.length, wanted);
        for (const setting of checked) isBefore(stack, setting, named(stack, "pipeline-preflight"));
      });

      it("puts no secret into a command, its input, its environment or user data, nor into outputs", () => {
        const traces = [client.private, host.private].flatMap(tracesOf);
        const open = made[stack].resources.flatMap(({ type, name, inputs }) =>
          openText(inputs).map((text) => ({ where: `${type} ${name}`, text })),
        );
        for (const text of openText(made[stack].outputs)) open.push({ where: "outputs", text });
        for (const { where, text } of open)
          assert.ok(!traces.some((trace) => text.includes(trace)) && !text.includes("PRIVATE KEY"), where);
        for (const { inputs, name } of all(stack, "command:remote:Command")) {
          // To be read here at all, neither may be a secret as a whole.
          for (const key of ["create", "stdin"]) assert.equal(typeof inputs[key], "string", `${name}: ${key}`);
          for (const key of ["environment", "delete", "update"]) assert.equal(inputs[key], undefined);
          assert.ok(isSecret(inputs["connection"] as object), name);
        }
        assert.ok(
          all(stack, "aws:ec2/instance:Instance").every(({ inputs }) => typeof inputs["userData"] === "string"),
        );
        // Where they are: the key to log in with in connections, the host's own in its secret, by Pulumi's encryption only.
        const [version] = all(stack, "aws:secretsmanager/secretVersion:SecretVersion");
        assert.ok(isSecret(version?.inputs["secretString"] as object));
      });

      it("tells a topic of its own, without further settings, to which nobody else publishes", () => {
        const { topic } = made[stack].outputs["told"] as { topic: string };
        assert.match(String(topic), /^arn:aws:sns:eu-west-1:\d{12}:notices-/);
        for (const name of stageNames) {
          const { settings } = JSON.parse(String(named(stack, name).inputs["stdin"])) as {
            settings: { notify: object };
          };
          assert.deepEqual((settings.notify as { sns: object }).sns, { topicArn: topic });
          assert.ok(!("emails" in settings.notify));
        }
        const [role] = all(stack, "aws:iam/role:Role");
        const [guard] = all(stack, "aws:sns/topicPolicy:TopicPolicy");
        assert.ok(role !== undefined && guard !== undefined);
        const { Statement: statements } = JSON.parse(String(guard.inputs["policy"])) as {
          Statement: { Sid: string; Condition: Record<string, Record<string, unknown>> }[];
        };
        const others = statements.find(({ Sid: sid }) => sid === "DenyOthers");
        assert.deepEqual(others?.Condition["ArnNotEquals"], {
          "aws:PrincipalArn": [`arn:aws:iam::123456789012:role/${role.name}`],
        });
        isBefore(stack, guard, named(stack, "pipeline-preflight"));
        const [allowed] = all(stack, "aws:iam/rolePolicy:RolePolicy");
        const { Statement: may } = JSON.parse(String(allowed?.inputs["policy"])) as {
          Statement: { Action: string; Resource: string }[];
        };
        assert.ok(may.some(({ Action: action, Resource: one }) => action === "sns:Publish" && one === topic));
      });

      it("has its host measure once a run is verified, and alarms that tell the topic, made after that", () => {
        const { topic } = made[stack].outputs["told"] as { topic: string };
        const measure = named(stack, "measure");
        isBefore(stack, named(stack, "pipeline-verify"), measure);
        const asked = JSON.parse(String(measure.inputs["stdin"])) as Record<string, unknown>;
        assert.deepEqual(asked["disks"], stack === "dev" ? ["/"] : ["/srv/data", "/"]);
        assert.deepEqual(asked["cloudWatch"], { namespace: `SafeMigration/${stack}`, region: "eu-west-1" });
        const alarms = all(stack, "aws:cloudwatch/metricAlarm:MetricAlarm");
        assert.equal(alarms.length, stack === "dev" ? 11 : 10);
        for (const alarm of alarms) {
          isBefore(stack, measure, alarm);
          assert.deepEqual([alarm.inputs["alarmActions"], alarm.inputs["okActions"]], [[topic], [topic]]);
        }
        const of = (metric: string) => alarms.find(({ inputs }) => inputs["metricName"] === metric)?.inputs;
        assert.equal(of("ProvedBackupAge")?.["treatMissingData"], "breaching");
        assert.deepEqual(of("StatusCheckFailed")?.["dimensions"], {
          InstanceId: (made[stack].outputs["host"] as { instance: string }).instance,
        });
        assert.equal(of("FreeStorageSpace") === undefined, stack !== "dev");
        const { Statement: may } = JSON.parse(
          String(all(stack, "aws:iam/rolePolicy:RolePolicy")[0]?.inputs["policy"]),
        ) as { Statement: { Action: string; Resource: unknown; Condition: unknown }[] };
        assert.deepEqual(
          may.filter(({ Resource: one }) => one === "*").map(({ Action: does, Condition: only }) => [does, only]),
          [["cloudwatch:PutMetricData", { StringEquals: { "cloudwatch:namespace": `SafeMigration/${stack}` } }]],
        );
      });

      it("lets in those who are named and nobody else", () => {
        const rules = all(stack, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule").map(({ inputs }) => [
          inputs["fromPort"],
          inputs["toPort"],
          inputs["cidrIpv4"] ?? "a group",
        ]);
        const ssh = [22, 22, from];
        assert.deepEqual(rules, stack === "dev" ? [ssh, [5432, 5432, "a group"]] : [ssh]);
        for (const { inputs } of all(stack, "aws:ec2/securityGroup:SecurityGroup"))
          assert.deepEqual([inputs["ingress"], inputs["egress"]], [undefined, undefined]);
        for (const { inputs } of all(stack, "aws:rds/instance:Instance"))
          assert.equal(inputs["publiclyAccessible"], false);
        for (const { inputs } of all(stack, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"))
          assert.deepEqual([inputs["blockPublicPolicy"], inputs["restrictPublicBuckets"]], [true, true]);
      });

      it("has its data on what outlives a host, a zone that is away for a while, and in prod a mistyped destroy", () => {
        const kinds = ["aws:ebs/volume:Volume", "aws:rds/instance:Instance", "aws:s3/bucket:Bucket", "aws:kms/key:Key"];
        const holding = made[stack].resources.filter(
          ({ type, name }) => kinds.includes(type) && !name.startsWith("notices-"),
        );
        assert.equal(holding.length, 3);
        for (const { name, protect, retainOnDelete } of holding)
          assert.deepEqual([protect, retainOnDelete], [stack === "prod", stack === "prod"], name);
        const instances = all(stack, "aws:ec2/instance:Instance");
        for (const resource of holding)
          for (const instance of instances)
            assert.ok(!waitsFor(stack, resource).has(instance), `${resource.name} would be made anew with its host`);
        for (const { inputs } of all(stack, "aws:ebs/volume:Volume")) assert.equal(inputs["finalSnapshot"], true);
        for (const { inputs } of all(stack, "aws:rds/instance:Instance"))
          assert.deepEqual([inputs["deletionProtection"], inputs["skipFinalSnapshot"]], [true, false]);
        for (const { inputs } of all(stack, "aws:s3/bucket:Bucket")) assert.equal(inputs["forceDestroy"], false);
        const subnets = all(stack, "aws:ec2/subnet:Subnet");
        assert.equal(subnets.length, 4);
        for (const { ignoreChanges } of subnets) assert.deepEqual(ignoreChanges, ["availabilityZone"]);
      });

      it("says in one message all that only its owner knows", async () => {
        await assert.rejects(compose({ stack, owner: {}, answers: {} }), (error) => {
          assert.ok(error instanceof ConfigError);
          assert.equal(error.problems.length, 3);
          for (const key of ["aws:region", "privateKey", "hostPrivateKey", "publicKey", "hostKey", "connection.from"])
            assert.ok(error.message.includes(key), key);
          return true;
        });
      });
    });
  }

  it("lets those in who are named before the pipeline comes to a public RDS, without a host", async () => {
    const database = { kind: "rds", publicFrom: [from] };
    made.public = await compose({ stack: "dev", owner: { ...owner, "safe-migration:database": database }, answers });
    assert.deepEqual(all("public", "aws:ec2/instance:Instance"), []);
    // Nobody measures between runs: what RDS itself says is left.
    const alarms = all("public", "aws:cloudwatch/metricAlarm:MetricAlarm").map(({ inputs }) => inputs["metricName"]);
    assert.deepEqual(alarms.sort(), ["CPUUtilization", "FreeStorageSpace"]);
    const [rule, ...more] = all("public", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule");
    assert.ok(rule !== undefined && more.length === 0);
    assert.deepEqual([rule.inputs["cidrIpv4"], rule.inputs["fromPort"]], [from, 5432]);
    isBefore("public", rule, named("public", "database-prepare"));
    for (const name of stageNames) isBefore("public", named("public", "database-prepare"), named("public", name));
  });

  it("tells the topic that is named, and makes none; its host may publish there", async () => {
    const topicArn = "arn:aws:sns:eu-west-1:210987654321:central";
    const given = { ...owner, "safe-migration:notify": { sns: { topicArn } } };
    made.told = await compose({ stack: "staging", owner: given, answers, before: { dev: made.dev.outputs } });
    assert.deepEqual(all("told", "aws:sns/topic:Topic"), []);
    for (const { inputs } of all("told", "aws:cloudwatch/metricAlarm:MetricAlarm"))
      assert.deepEqual(inputs["alarmActions"], [topicArn]);
    const { settings } = JSON.parse(String(named("told", "pipeline-verify").inputs["stdin"])) as {
      settings: { notify: { sns: object } };
    };
    assert.deepEqual(settings.notify.sns, { topicArn });
    const [policy] = all("told", "aws:iam/rolePolicy:RolePolicy");
    assert.match(
      String(policy?.inputs["policy"]),
      /"sns:Publish","Resource":"arn:aws:sns:eu-west-1:210987654321:central"/,
    );
  });

  it("logs to a group of its own where it is asked for, and to none otherwise; its host may write there", async () => {
    for (const stack of stacks) assert.deepEqual(all(stack, "aws:cloudwatch/logGroup:LogGroup"), []);
    const given = { ...owner, "safe-migration:logs": { cloudWatch: true, days: 365 } };
    made.logging = await compose({ stack: "prod", owner: given, answers, before: { staging: made.staging.outputs } });
    const [group] = all("logging", "aws:cloudwatch/logGroup:LogGroup");
    assert.deepEqual(
      [group?.inputs["name"], group?.inputs["retentionInDays"], group?.protect, group?.retainOnDelete],
      ["/safe-migration/prod", 365, true, true],
    );
    const groupArn = "arn:aws:logs:eu-west-1:123456789012:log-group:/safe-migration/prod";
    const { settings } = JSON.parse(String(named("logging", "pipeline-migrate").inputs["stdin"])) as {
      settings: { logs: object };
    };
    assert.deepEqual(settings.logs, { cloudWatch: { groupArn } });
    assert.equal((made.logging.outputs["told"] as { logGroup: string }).logGroup, groupArn);
    const [role] = all("logging", "aws:iam/rolePolicy:RolePolicy");
    const { Statement: may } = JSON.parse(String(role?.inputs["policy"])) as {
      Statement: { Sid: string; Action: unknown; Resource: unknown }[];
    };
    const write = may.find(({ Sid: sid }) => sid === "WriteLogs");
    assert.deepEqual(
      [write?.Action, write?.Resource],
      [["logs:CreateLogStream", "logs:PutLogEvents"], `${groupArn}:log-stream:*`],
    );
    const key = all("logging", "aws:kms/key:Key").find(({ name }) => name.startsWith("logs-"));
    assert.equal(key?.inputs["enableKeyRotation"], true);
    const { Statement: keyed } = JSON.parse(String(key?.inputs["policy"])) as {
      Statement: { Sid: string; Principal: unknown; Condition: unknown }[];
    };
    const uses = keyed.find(({ Sid: sid }) => sid === "LogsUseKey");
    assert.deepEqual(
      [uses?.Principal, uses?.Condition],
      [{ Service: "logs.eu-west-1.amazonaws.com" }, { ArnEquals: { "kms:EncryptionContext:aws:logs:arn": groupArn } }],
    );
  });

  it("makes nothing of AWS but the bucket around a database that is there already, and takes its host as it is", async () => {
    const arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf";
    const password = { from: "secretsManager", arn };
    const database = { kind: "existing", host: "db.example.com", name: "shop", user: "admin", owner: "shop", password };
    const { privateKey, hostKey } = owner["safe-migration:connection"];
    made.existing = await compose({
      stack: "dev",
      owner: {
        ...owner,
        "safe-migration:database": database,
        "safe-migration:runner": { where: "host" },
        "safe-migration:connection": { host: "bastion.example.com", privateKey, hostKey },
      },
      answers,
    });
    const ofAws = made.existing.resources.filter(({ type }) => type.startsWith("aws:"));
    assert.deepEqual([...new Set(ofAws.map(({ type }) => type.split(":")[1]?.split("/")[0]))].sort(), ["kms", "s3"]);
    assert.ok(!made.existing.resources.some(({ name }) => name === "host-ready" || name === "database-prepare"));
    for (const name of stageNames) {
      isBefore("existing", named("existing", "runner-install"), named("existing", name));
      const { database: told } = JSON.parse(String(named("existing", name).inputs["stdin"])) as { database: object };
      const { kind, owner: migrateAs, ...reached } = database;
      assert.equal(kind, "existing");
      assert.deepEqual(told, { ...reached, port: 5432, schema: "public", migrateAs });
    }
  });
});
