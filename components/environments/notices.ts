import * as pulumi from "@pulumi/pulumi";
import { putMetricsStatement } from "../aws/alarmRules.js";
import { NotificationTopic } from "../aws/notificationTopic.js";
import type { Statement } from "../aws/policies.js";
import { publishStatements } from "../aws/topicPolicies.js";
import type { EnvironmentArgs } from "./environment.js";

/** Where a stack on AWS tells its notices. */
export interface Notices {
  readonly topic: pulumi.Output<string>;
  /** Whether it is the stack's own, and not one that the configuration names (`notify.sns`). */
  readonly own: boolean;
  /** What the role of whoever runs the pipeline has to be let do: publish, and put the metrics that alarms ask for. */
  readonly statements: pulumi.Output<Statement[]>;
  /** Names the role that the pipeline acts as, and closes the topic to others; it needs the statements first. */
  publishedBy(roleArn: pulumi.Output<string>): void;
}

/** A topic of the stack's own, unless the configuration names one. @param onHost whether the pipeline has a role of its own */
export function noticesOf({ name, config: { notify, alarms } }: EnvironmentArgs, onHost: boolean): Notices {
  const measuring = alarms.enabled ? [putMetricsStatement(name)] : [];
  if (notify.sns !== undefined) {
    const { topicArn } = notify.sns;
    const statements = pulumi.output([...publishStatements({ topicArn }), ...measuring]);
    return { topic: pulumi.output(topicArn), own: false, statements, publishedBy: () => undefined };
  }
  const [role, publishedBy] = pulumi.deferredOutput<string>();
  const { topicArn, access } = new NotificationTopic(`notices-${name}`, {
    environment: name,
    emails: notify.emails,
    publishers: onHost ? [role] : [],
  });
  const statements = access.apply((own) => [...publishStatements(own), ...measuring]);
  return { topic: topicArn, own: true, statements, publishedBy };
}
