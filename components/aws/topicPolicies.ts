import type { Statement } from "./policies.js";

/** Policies of the topic that a stack's notices and alarms go to, as plain data. */

export interface TopicPlace {
  readonly topicArn: string;
  /** The account that the topic is in. */
  readonly account: string;
  /** The account's partition: `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string;
  readonly region: string;
}

/** Who may use the topic's key: the account, as its IAM policies say, and CloudWatch, for alarms of this account only. */
export function topicKeyStatements({ account, partition }: Pick<TopicPlace, "account" | "partition">): Statement[] {
  return [
    accountMayDecide(account, partition),
    {
      Sid: "AlarmsUseKey",
      Effect: "Allow",
      Principal: { Service: "cloudwatch.amazonaws.com" },
      Action: ["kms:GenerateDataKey*", "kms:Decrypt"],
      Resource: "*",
      Condition: { StringEquals: { "aws:SourceAccount": account } },
    },
  ];
}

/** Without it nobody could change the key any more; who may do what is left to the account's IAM (AWS KMS, "Default key policy"). */
export function accountMayDecide(account: string, partition: string): Statement {
  return {
    Sid: "AccountDecides",
    Effect: "Allow",
    Principal: { AWS: `arn:${partition}:iam::${account}:root` },
    Action: "kms:*",
    Resource: "*",
  };
}

/**
 * Lets alarms of this account and region publish, refuses whoever does not come by TLS, and whoever is none of the publishers.
 * What is denied here no policy of IAM can allow.
 *
 * @param publishers ARNs of roles; none: whom the account's IAM lets.
 */
export function topicStatements(
  { topicArn, account, partition, region }: TopicPlace,
  publishers: readonly string[],
): Statement[] {
  const publish = { Action: "sns:Publish", Resource: topicArn };
  return [
    {
      Sid: "AlarmsPublish",
      Effect: "Allow",
      Principal: { Service: "cloudwatch.amazonaws.com" },
      ...publish,
      Condition: {
        ArnLike: { "aws:SourceArn": `arn:${partition}:cloudwatch:${region}:${account}:alarm:*` },
        StringEquals: { "aws:SourceAccount": account },
      },
    },
    {
      Sid: "DenyWithoutTls",
      Effect: "Deny",
      Principal: "*",
      ...publish,
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    },
    ...(publishers.length === 0
      ? []
      : [
          {
            Sid: "DenyOthers",
            Effect: "Deny" as const,
            Principal: "*",
            ...publish,
            Condition: {
              ArnNotEquals: { "aws:PrincipalArn": publishers },
              // A service has no ARN of a principal; which of them may is said above.
              BoolIfExists: { "aws:PrincipalIsAWSService": "false" },
            },
          },
        ]),
  ];
}

/** A topic, and the key that what is published to it is encrypted with: absent where that is not this stack's. */
export interface TopicAccess {
  readonly topicArn: string;
  readonly keyArn?: string;
}

/** Publishes to this topic and does nothing else with it. */
export function publishStatements({ topicArn, keyArn }: TopicAccess): Statement[] {
  return [
    { Sid: "TellTopic", Effect: "Allow", Action: "sns:Publish", Resource: topicArn },
    ...(keyArn === undefined
      ? []
      : [
          {
            Sid: "UseTopicKey",
            Effect: "Allow" as const,
            Action: ["kms:GenerateDataKey", "kms:Decrypt"],
            Resource: keyArn,
          },
        ]),
  ];
}
