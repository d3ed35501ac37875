import * as pulumi from "@pulumi/pulumi";
import { NotificationTopic } from "../aws/notificationTopic.js";
import type { Statement } from "../aws/policies.js";
import { publishStatements } from "../aws/topicPolicies.js";
import type { EnvironmentArgs } from "./environment.js";

/** Where a stack on AWS tells its notices. */
export interface Notices {
  /** The topic of the stack's own; absent where the configuration names another (`notify.sns`). */
  readonly topic?: pulumi.Output<string>;
  /** What the role of whoever runs the pipeline has to be let do. */
  readonly statements: pulumi.Output<Statement[]>;
  /** Names the role that the pipeline acts as, and closes the topic to others; it needs the statements first. */
  publishedBy(roleArn: pulumi.Output<string>): void;
}

/** A topic of the stack's own, unless the configuration names one. @param onHost whether the pipeline has a role of its own */
export function noticesOf({ name, config: { notify } }: EnvironmentArgs, onHost: boolean): Notices {
  if (notify.sns !== undefined) {
    const statements = publishStatements({ topicArn: notify.sns.topicArn });
    return { statements: pulumi.output(statements), publishedBy: () => undefined };
  }
  const [role, publishedBy] = pulumi.deferredOutput<string>();
  const { topicArn, access } = new NotificationTopic(`notices-${name}`, {
    environment: name,
    emails: notify.emails,
    publishers: onHost ? [role] : [],
  });
  return { topic: topicArn, statements: access.apply(publishStatements), publishedBy };
}
