import * as pulumi from "@pulumi/pulumi";
import type { Told } from "../../config.js";
import { putMetricsStatement } from "../aws/alarmRules.js";
import { LogGroup, writeLogsStatement } from "../aws/logGroup.js";
import { NotificationTopic } from "../aws/notificationTopic.js";
import type { Statement } from "../aws/policies.js";
import { publishStatements } from "../aws/topicPolicies.js";
import { type EnvironmentArgs, isProtected } from "./environment.js";

/** Where a stack on AWS says what there is to say: notices, alarms, logs. */
export interface Notices {
  /** The topic that is told, the stack's own or the one that the configuration names (`notify.sns`). */
  readonly topic: pulumi.Output<string>;
  /** What of it the stack makes itself. */
  readonly told: pulumi.Output<Told>;
  /** What the role of whoever runs the pipeline has to be let do: publish, log, and put the metrics that alarms ask for. */
  readonly statements: pulumi.Output<Statement[]>;
  /** Names the role that the pipeline acts as, and closes the topic to others; it needs the statements first. */
  publishedBy(roleArn: pulumi.Output<string>): void;
}

/** @param onHost whether the pipeline has a role of its own */
export function noticesOf(args: EnvironmentArgs, onHost: boolean): Notices {
  const { name, config } = args;
  const { topic, own, mayPublish, publishedBy } = topicOf(args, onHost);
  const logGroup = logGroupOf(args);
  const logs = pulumi.output(logGroup).apply((arn) => (arn === undefined ? {} : { logGroup: arn }));
  return {
    topic,
    told: pulumi.all([topic, logs]).apply(([arn, more]) => ({ ...(own ? { topic: arn } : {}), ...more })),
    statements: pulumi
      .all([mayPublish, logs])
      .apply(([publish, { logGroup: arn }]) => [
        ...publish,
        ...(config.alarms.enabled ? [putMetricsStatement(name)] : []),
        ...(arn === undefined ? [] : [writeLogsStatement(arn)]),
      ]),
    publishedBy,
  };
}

/** A topic of the stack's own, unless the configuration names one. */
function topicOf({ name, config: { notify } }: EnvironmentArgs, onHost: boolean) {
  if (notify.sns !== undefined) {
    const { topicArn } = notify.sns;
    const mayPublish = pulumi.output(publishStatements({ topicArn }));
    return { topic: pulumi.output(topicArn), own: false, mayPublish, publishedBy: () => undefined };
  }
  const [role, publishedBy] = pulumi.deferredOutput<string>();
  const { topicArn, access } = new NotificationTopic(`notices-${name}`, {
    environment: name,
    emails: notify.emails,
    publishers: onHost ? [role] : [],
  });
  return { topic: topicArn, own: true, mayPublish: access.apply(publishStatements), publishedBy };
}

function logGroupOf(args: EnvironmentArgs): pulumi.Output<string> | undefined {
  const { name, config } = args;
  const { logs } = config;
  if (!logs.cloudWatch) return undefined;
  return new LogGroup(`logs-${name}`, { environment: name, days: logs.days, protect: isProtected(args) }).groupArn;
}
