import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { type Statement, policy } from "./policies.js";
import { accountMayDecide } from "./topicPolicies.js";

export interface LogGroupArgs {
  /** Name of the environment. */
  readonly environment: string;
  /** How many days a line is kept; one of those that CloudWatch Logs takes. */
  readonly days: number;
  /** Refuses to delete it, and leaves it in AWS when it leaves the program. @default false */
  readonly protect?: boolean;
}

/**
 * The log group of CloudWatch Logs that the stages of a stack log to, encrypted with a key of its own. Costs about 1 USD a month
 * for the key, and 0.50 for each GB that is logged; a run logs some 100 kB.
 *
 * @example
 * const logs = new LogGroup("logs", { environment: "prod", days: 365, protect: true });
 */
export class LogGroup extends pulumi.ComponentResource {
  /** `arn:aws:logs:REGION:ACCOUNT:log-group:NAME`. */
  readonly groupArn: pulumi.Output<string>;

  constructor(name: string, args: LogGroupArgs, options?: pulumi.ComponentResourceOptions) {
    super("safe-migration:aws:LogGroup", name, {}, options);
    const { environment, days, protect = false } = args;
    const child = { parent: this };
    const kept = { parent: this, protect, retainOnDelete: protect };
    const groupName = `/safe-migration/${environment}`;
    const where = pulumi.all([
      aws.getCallerIdentityOutput({}, child).accountId,
      aws.getPartitionOutput({}, child).partition,
      aws.getRegionOutput({}, child).region,
    ]);
    const key = new aws.kms.Key(
      `${name}-key`,
      {
        description: `Logs of ${environment}`,
        enableKeyRotation: true,
        deletionWindowInDays: 30,
        policy: where.apply(([account, partition, region]) =>
          policy(
            accountMayDecide(account, partition),
            groupUsesKey(`arn:${partition}:logs:${region}:${account}:log-group:${groupName}`, region),
          ),
        ),
      },
      kept,
    );
    const group = new aws.cloudwatch.LogGroup(
      `${name}-group`,
      { name: groupName, retentionInDays: days, kmsKeyId: key.arn, tags: { environment } },
      kept,
    );
    // What AWS gives may end in `:*`, which is for its streams.
    this.groupArn = group.arn.apply((arn) => arn.replace(/:\*$/, ""));
    this.registerOutputs({ groupArn: this.groupArn });
  }
}

/** Lets CloudWatch Logs of this region use the key, for this group alone (CloudWatch Logs, "Encrypt log data"). */
function groupUsesKey(groupArn: string, region: string): Statement {
  return {
    Sid: "LogsUseKey",
    Effect: "Allow",
    Principal: { Service: `logs.${region}.amazonaws.com` },
    Action: ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
    Resource: "*",
    Condition: { ArnEquals: { "kms:EncryptionContext:aws:logs:arn": groupArn } },
  };
}

/** Writes to streams of this group; reads none, and changes nothing of the group. */
export function writeLogsStatement(groupArn: string): Statement {
  return {
    Sid: "WriteLogs",
    Effect: "Allow",
    Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
    Resource: `${groupArn}:log-stream:*`,
  };
}
