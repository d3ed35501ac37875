import { npmRun } from "../../pipeline/npmRun.js";
import { diskDimension, metricNames, metricNamespace } from "../../pipeline/measure/cloudWatch.js";
import type { Statement } from "./policies.js";

/** Alarms of an environment as plain data: what is looked at, from where on it is told, and what silence means. */

/** From where on it is told. 0: that is not looked at. */
export interface AlarmLimits {
  /** Age of the newest backup that a restore has proved, in hours. */
  readonly backupAgeHours: number;
  /** Of a disk, or of RDS's storage as it was ordered. */
  readonly diskPercent: number;
  readonly cpuPercent: number;
  /** Of `max_connections`. */
  readonly connectionsPercent: number;
  /** Wait of the oldest finished segment of the log for its archive, in seconds. */
  readonly archiveWaitSeconds: number;
  /** How far the slowest standby is behind, in seconds. */
  readonly replicaLagSeconds: number;
}

export interface AlarmRule {
  /** Lower-case letters and `-`; unique in an environment. */
  readonly name: string;
  /** What it means and where to look, for whoever is woken by it. */
  readonly description: string;
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: "Maximum" | "Minimum" | "Average";
  readonly comparison: "GreaterThanThreshold" | "LessThanThreshold";
  readonly threshold: number;
  /** Length of a period, in seconds, and how many of them one after the other are over the limit. */
  readonly period: number;
  readonly periods: number;
  /** `breaching`: silence is an alarm; `notBreaching`: silence is well; `ignore`: silence changes nothing. */
  readonly missing: "breaching" | "notBreaching" | "ignore";
}

type Rule = Omit<AlarmRule, "name" | "description" | "namespace" | "dimensions"> & Partial<AlarmRule>;

/** Lets a role put the metrics of its environment and of no other. PutMetricData knows no resource (CloudWatch, "Actions"). */
export function putMetricsStatement(environment: string): Statement {
  return {
    Sid: "PutMetrics",
    Effect: "Allow",
    Action: "cloudwatch:PutMetricData",
    Resource: "*",
    Condition: { StringEquals: { "cloudwatch:namespace": metricNamespace(environment) } },
  };
}

/** Alarms of what a host measures; it says nothing where it is down, or where no update has come so far. */
export function measuredRules(environment: string, limits: AlarmLimits, disks: readonly string[]): AlarmRule[] {
  const own = (name: string, description: string, rule: Rule): AlarmRule => ({
    namespace: metricNamespace(environment),
    dimensions: {},
    ...rule,
    name,
    description,
  });
  const over = { comparison: "GreaterThanThreshold", statistic: "Maximum", period: 300 } as const;
  const rules = [
    own(
      "backup-age",
      `The newest proved backup of ${environment} is older than ${limits.backupAgeHours} hours, there is none, or nobody measures it any more. Look: ${npmRun(environment, "db:status")}; an update makes one.`,
      {
        ...over,
        metric: metricNames.provedBackupAge,
        threshold: limits.backupAgeHours * 3_600,
        period: 900,
        periods: 2,
        missing: "breaching",
      },
    ),
    own(
      "database-down",
      `PostgreSQL of ${environment} does not answer its host. Look: ${npmRun(environment, "health:check")}.`,
      {
        metric: metricNames.databaseUp,
        statistic: "Minimum",
        comparison: "LessThanThreshold",
        threshold: 1,
        period: 300,
        periods: 3,
        missing: "breaching",
      },
    ),
    own(
      "failed-migration",
      `A migration of ${environment} failed and may have changed something. Look: ${npmRun(environment, "db:verdict")}.`,
      { ...over, metric: metricNames.failedMigrations, threshold: 0, periods: 1, missing: "ignore" },
    ),
    own("connections", `PostgreSQL of ${environment} is near the end of its connections.`, {
      ...over,
      metric: metricNames.connectionsUsed,
      threshold: limits.connectionsPercent,
      periods: 3,
      missing: "ignore",
    }),
    own(
      "archive-wait",
      `The log of ${environment} is not archived: what is written now could not be recovered. Look: ${npmRun(environment, "db:diagnose")}.`,
      // Where nothing is archived there is nothing to wait.
      {
        ...over,
        metric: metricNames.archiveWait,
        threshold: limits.archiveWaitSeconds,
        periods: 2,
        missing: "notBreaching",
      },
    ),
    own("replica-lag", `A standby of ${environment} is behind.`, {
      ...over,
      metric: metricNames.replicaLag,
      threshold: limits.replicaLagSeconds,
      periods: 3,
      missing: "notBreaching",
    }),
    ...disks.map((path, at) =>
      own(`disk-${at}`, `The disk at ${path} of ${environment}'s host is nearly full.`, {
        ...over,
        metric: metricNames.diskUsed,
        dimensions: { [diskDimension]: path },
        threshold: limits.diskPercent,
        periods: 2,
        missing: "ignore",
      }),
    ),
  ];
  const asked: Readonly<Record<string, number>> = {
    "backup-age": limits.backupAgeHours,
    connections: limits.connectionsPercent,
    "archive-wait": limits.archiveWaitSeconds,
    "replica-lag": limits.replicaLagSeconds,
    ...Object.fromEntries(disks.map((_, at) => [`disk-${at}`, limits.diskPercent])),
  };
  return rules.filter(({ name }) => asked[name] !== 0);
}

/** Alarms of an instance of EC2, by what AWS itself measures of it. One that is stopped says nothing, and should run. */
export function instanceRules(environment: string, instance: string, limits: AlarmLimits): AlarmRule[] {
  const of = {
    namespace: "AWS/EC2",
    dimensions: { InstanceId: instance },
    comparison: "GreaterThanThreshold",
  } as const;
  return [
    {
      ...of,
      name: "host-status",
      description: `The host of ${environment} fails EC2's status checks, or is stopped.`,
      metric: "StatusCheckFailed",
      statistic: "Maximum",
      threshold: 0,
      period: 60,
      periods: 5,
      missing: "breaching",
    },
    ...cpuRule({ ...of, name: "host-cpu", description: `The host of ${environment} is busy all the time.` }, limits),
  ];
}

/** Alarms of an instance of RDS, by what RDS itself measures. @param storageBytes what was ordered */
export function rdsRules(
  environment: string,
  { instance, storageBytes }: { readonly instance: string; readonly storageBytes: number },
  limits: AlarmLimits,
): AlarmRule[] {
  const of = { namespace: "AWS/RDS", dimensions: { DBInstanceIdentifier: instance } } as const;
  const free: AlarmRule = {
    ...of,
    name: "rds-storage",
    description: `RDS of ${environment} is nearly full, and does not grow (any further). Look at database.maxStorageGiB.`,
    metric: "FreeStorageSpace",
    statistic: "Minimum",
    comparison: "LessThanThreshold",
    threshold: Math.round((storageBytes * (100 - limits.diskPercent)) / 100),
    period: 300,
    periods: 3,
    missing: "breaching",
  };
  return [
    ...(limits.diskPercent === 0 ? [] : [free]),
    ...cpuRule(
      {
        ...of,
        name: "rds-cpu",
        description: `RDS of ${environment} is busy all the time.`,
        comparison: "GreaterThanThreshold",
      },
      limits,
    ),
  ];
}

function cpuRule(
  of: Pick<AlarmRule, "name" | "description" | "namespace" | "dimensions" | "comparison">,
  { cpuPercent }: AlarmLimits,
): AlarmRule[] {
  if (cpuPercent === 0) return [];
  return [
    {
      ...of,
      metric: "CPUUtilization",
      statistic: "Average",
      threshold: cpuPercent,
      period: 300,
      periods: 3,
      missing: "ignore",
    },
  ];
}
