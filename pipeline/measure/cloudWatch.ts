import type { MetricDatum } from "@aws-sdk/client-cloudwatch";
import { loadAws } from "../awsSdk.js";
import type { MeasureRequest, MeasureResult } from "../contracts.js";

/** Names of the metrics, which alarms ask for as well. */
export const metricNames = {
  provedBackupAge: "ProvedBackupAge",
  databaseUp: "DatabaseUp",
  connectionsUsed: "ConnectionsUsed",
  archiveWait: "ArchiveWait",
  replicaLag: "ReplicaLag",
  failedMigrations: "FailedMigrations",
  /** Of each mount point, named by {@link diskDimension}. */
  diskUsed: "DiskUsed",
} as const;
export const diskDimension = "Path";

/** The namespace of an environment's metrics: a role may be let put into its own alone. */
export function metricNamespace(environment: string): string {
  return `SafeMigration/${environment}`;
}

/** The figures as CloudWatch takes them; what is not known is left out, which alarms treat as each of them says. */
export function metricData({ server, backups, disks, at }: MeasureResult): MetricDatum[] {
  const moment = new Date(at);
  const of = (MetricName: string, Unit: MetricDatum["Unit"], Value: number | undefined): MetricDatum[] =>
    Value === undefined ? [] : [{ MetricName, Unit, Value, Timestamp: moment }];
  const age = backups?.proved === undefined ? undefined : (moment.getTime() - Date.parse(backups.proved)) / 1_000;
  return [
    ...of(metricNames.provedBackupAge, "Seconds", age),
    ...of(metricNames.databaseUp, "Count", server === undefined ? 0 : 1),
    ...of(metricNames.connectionsUsed, "Percent", percent(server?.connections)),
    ...of(metricNames.archiveWait, "Seconds", server?.archiveWaitSeconds),
    ...of(metricNames.replicaLag, "Seconds", server?.replicaLagSeconds),
    ...of(metricNames.failedMigrations, "Count", server?.migrations.failed),
    ...Object.entries(disks).flatMap(([path, used]) =>
      of(metricNames.diskUsed, "Percent", percent(used)).map((datum) => ({
        ...datum,
        Dimensions: [{ Name: diskDimension, Value: path }],
      })),
    ),
  ];
}

function percent(figure: { readonly used: number; readonly of: number } | undefined): number | undefined {
  return figure === undefined || figure.of === 0 ? undefined : (100 * figure.used) / figure.of;
}

/** Puts them, with the credentials that the AWS SDK finds. @throws the SDK's error */
export async function putMetrics(
  { namespace, region }: NonNullable<MeasureRequest["cloudWatch"]>,
  result: MeasureResult,
): Promise<void> {
  const { CloudWatchClient, PutMetricDataCommand } = await loadAws(() => import("@aws-sdk/client-cloudwatch"));
  const client = new CloudWatchClient({
    region,
    requestHandler: { requestTimeout: 10_000, connectionTimeout: 10_000 },
  });
  try {
    await client.send(new PutMetricDataCommand({ Namespace: namespace, MetricData: metricData(result) }));
  } finally {
    client.destroy();
  }
}
