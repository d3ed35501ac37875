import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { NotificationTopic } from "../../../components/aws/notificationTopic.js";
import type { Statement } from "../../../components/aws/policies.js";
import { publishStatements } from "../../../components/aws/topicPolicies.js";
import { valueOf } from "../mocks.js";
import { type Declared, recordAws, watched } from "./mocks.js";

const role = "arn:aws:iam::123456789012:role/host";

/** Who may do what is what is asked for here; whether AWS reads it so is AWS's own. */
describe("NotificationTopic", function () {
  this.timeout(60_000);
  let topic: NotificationTopic;
  const make = (more: Partial<ConstructorParameters<typeof NotificationTopic>[1]> = {}) =>
    recordAws(() => (topic = new NotificationTopic("notices", { environment: "prod", ...more }, watched())));
  const statementsOf = ({ inputs }: Declared): Record<string, Statement> => {
    const { Statement: all } = JSON.parse(inputs["policy"] as string) as { Statement: Statement[] };
    return Object.fromEntries(all.map((statement) => [statement.Sid, statement]));
  };

  it("is encrypted with a key of its own, which alarms of this account may use", async () => {
    const made = await make();
    const key = made.one("aws:kms/key:Key");
    assert.equal(key.inputs["enableKeyRotation"], true);
    assert.match(made.one("aws:sns/topic:Topic").inputs["kmsMasterKeyId"] as string, /^arn:aws:kms:.*:key\//);
    const { AccountDecides: account, AlarmsUseKey: alarms, ...others } = statementsOf(key);
    assert.deepEqual(others, {});
    assert.deepEqual(account?.Principal, { AWS: "arn:aws:iam::123456789012:root" });
    assert.deepEqual(
      [alarms?.Principal, alarms?.Action, alarms?.Condition],
      [
        { Service: "cloudwatch.amazonaws.com" },
        ["kms:GenerateDataKey*", "kms:Decrypt"],
        { StringEquals: { "aws:SourceAccount": "123456789012" } },
      ],
    );
  });

  it("takes notices of its publishers and alarms of this account and region only, by TLS", async () => {
    const made = await make({ publishers: [pulumi.output(role)] });
    const {
      AlarmsPublish: alarms,
      DenyWithoutTls: tls,
      DenyOthers: denied,
      ...others
    } = statementsOf(made.one("aws:sns/topicPolicy:TopicPolicy"));
    assert.deepEqual(others, {});
    assert.deepEqual(
      [alarms?.Effect, alarms?.Principal, alarms?.Action, alarms?.Condition],
      [
        "Allow",
        { Service: "cloudwatch.amazonaws.com" },
        "sns:Publish",
        {
          ArnLike: { "aws:SourceArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:*" },
          StringEquals: { "aws:SourceAccount": "123456789012" },
        },
      ],
    );
    assert.deepEqual(
      [tls?.Effect, tls?.Principal, tls?.Action, tls?.Condition],
      ["Deny", "*", "sns:Publish", { Bool: { "aws:SecureTransport": "false" } }],
    );
    assert.deepEqual(
      [denied?.Effect, denied?.Principal, denied?.Action, denied?.Condition],
      [
        "Deny",
        "*",
        "sns:Publish",
        { ArnNotEquals: { "aws:PrincipalArn": [role] }, BoolIfExists: { "aws:PrincipalIsAWSService": "false" } },
      ],
    );
    for (const statement of [alarms, tls, denied])
      assert.equal(statement?.Resource, "arn:aws:sns:eu-west-1:123456789012:notices-topic");
  });

  it("leaves to the account's IAM who publishes, where the pipeline has no role of its own", async () => {
    const made = await make();
    assert.equal(statementsOf(made.one("aws:sns/topicPolicy:TopicPolicy"))["DenyOthers"], undefined);
  });

  it("is subscribed to by the addresses that are named and by nobody else", async () => {
    assert.deepEqual((await make()).all("aws:sns/topicSubscription:TopicSubscription"), []);
    const made = await make({ emails: ["ops@example.com", "team@example.com"] });
    const subscriptions = made.all("aws:sns/topicSubscription:TopicSubscription");
    assert.deepEqual(
      subscriptions.map(({ inputs: { protocol, endpoint } }) => [protocol, endpoint]),
      [
        ["email", "ops@example.com"],
        ["email", "team@example.com"],
      ],
    );
  });

  it("lets a role publish to it and do nothing else", async () => {
    const made = await make();
    const statements = publishStatements(await valueOf(topic.access));
    const key = made.one("aws:sns/topic:Topic").inputs["kmsMasterKeyId"];
    assert.deepEqual(
      statements.map(({ Effect: effect, Action: action, Resource: resource }) => [effect, action, resource]),
      [
        ["Allow", "sns:Publish", await valueOf(topic.topicArn)],
        ["Allow", ["kms:GenerateDataKey", "kms:Decrypt"], key],
      ],
    );
    assert.equal(publishStatements({ topicArn: "arn:t" }).length, 1);
  });
});
