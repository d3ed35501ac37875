import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { policy } from "./policies.js";
import { type TopicAccess, topicKeyStatements, topicStatements } from "./topicPolicies.js";

export interface NotificationTopicArgs {
  /** Name of the environment. */
  readonly environment: string;
  /** Who is told by e-mail; AWS asks each of them to confirm before anything else is sent. @default nobody */
  readonly emails?: readonly string[];
  /**
   * ARNs of the roles that may publish, beside CloudWatch's alarms; everybody else is refused, whatever IAM allows. None: whoever
   * IAM lets.
   * @default none
   */
  readonly publishers?: pulumi.Input<pulumi.Input<string>[]>;
}

/**
 * The SNS topic that a stack's notices and alarms go to: encrypted with a key of its own, reached by TLS only, published to by
 * the pipeline's role and CloudWatch's alarms and nobody else. Costs about 1 USD a month for the key.
 *
 * @example
 * const topic = new NotificationTopic("notices", { environment: "prod", emails: ["ops@example.com"], publishers: [host.roleArn] });
 */
export class NotificationTopic extends pulumi.ComponentResource {
  /** Known once its policy is set: what is published is guarded from the first time on. */
  readonly topicArn: pulumi.Output<string>;
  /** What a role needs to publish; see `publishStatements`. */
  readonly access: pulumi.Output<TopicAccess>;

  constructor(name: string, args: NotificationTopicArgs, options?: pulumi.ComponentResourceOptions) {
    super("safe-migration:aws:NotificationTopic", name, {}, options);
    const { environment, emails = [], publishers = [] } = args;
    const child = { parent: this };
    const account = aws.getCallerIdentityOutput({}, child).accountId;
    const { partition } = aws.getPartitionOutput({}, child);
    const region = aws.getRegionOutput({}, child).region;
    const key = new aws.kms.Key(
      `${name}-key`,
      {
        description: `Notices and alarms of ${environment}`,
        enableKeyRotation: true,
        deletionWindowInDays: 30,
        policy: pulumi
          .all([account, partition])
          .apply(([known, of]) => policy(...topicKeyStatements({ account: known, partition: of }))),
      },
      child,
    );
    const topic = new aws.sns.Topic(
      `${name}-topic`,
      { displayName: `Migrations of ${environment}`, kmsMasterKeyId: key.arn, tags: { environment } },
      child,
    );
    const guarded = new aws.sns.TopicPolicy(
      `${name}-policy`,
      {
        arn: topic.arn,
        policy: pulumi
          .all([topic.arn, account, partition, region, publishers])
          .apply(([topicArn, known, of, where, roles]) =>
            policy(...topicStatements({ topicArn, account: known, partition: of, region: where }, roles)),
          ),
      },
      child,
    );
    for (const endpoint of emails)
      new aws.sns.TopicSubscription(`${name}-${endpoint}`, { topic: topic.arn, protocol: "email", endpoint }, child);

    this.topicArn = pulumi.all([topic.arn, guarded.id]).apply(([arn]) => arn);
    // A role is made before the policy that names it.
    this.access = pulumi.all([topic.arn, key.arn]).apply(([topicArn, keyArn]) => ({ topicArn, keyArn }));
    this.registerOutputs({ topicArn: this.topicArn, access: this.access });
  }
}
