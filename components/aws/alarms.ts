import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { AlarmRule } from "./alarmRules.js";

export interface AlarmsArgs {
  /** Name of the environment, which alarms are named after. */
  readonly environment: string;
  /** The topic that is told when an alarm is raised and when it is over. */
  readonly topicArn: pulumi.Input<string>;
  /** Each by the name that it is known by before it is made. */
  readonly rules: Readonly<Record<string, pulumi.Input<AlarmRule>>>;
}

/**
 * Alarms of CloudWatch, each of which tells a topic when it is raised and when it is over. Costs 0.10 USD a month each, and
 * 0.30 for each metric that is not AWS's own.
 *
 * @example
 * const rules = measuredRules("prod", limits, ["/srv/data"]);
 * new Alarms("alarms", { environment: "prod", topicArn: topic.topicArn, rules: Object.fromEntries(rules.map((rule) => [rule.name, rule])) });
 */
export class Alarms extends pulumi.ComponentResource {
  constructor(name: string, args: AlarmsArgs, options?: pulumi.ComponentResourceOptions) {
    super("safe-migration:aws:Alarms", name, {}, options);
    const { environment, topicArn, rules } = args;
    // A component does not hand this on by itself.
    const child = { parent: this, dependsOn: options?.dependsOn };
    for (const [ruleName, given] of Object.entries(rules)) {
      const rule = pulumi.output(given);
      new aws.cloudwatch.MetricAlarm(
        `${name}-${ruleName}`,
        {
          name: `${pulumi.getProject()}-${environment}-${ruleName}`,
          alarmDescription: rule.description,
          namespace: rule.namespace,
          metricName: rule.metric,
          dimensions: rule.dimensions,
          statistic: rule.statistic,
          comparisonOperator: rule.comparison,
          threshold: rule.threshold,
          period: rule.period,
          evaluationPeriods: rule.periods,
          treatMissingData: rule.missing,
          alarmActions: [topicArn],
          okActions: [topicArn],
          tags: { environment },
        },
        child,
      );
    }
    this.registerOutputs({});
  }
}
