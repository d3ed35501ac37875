import type { MeasureResult } from "../contracts.js";
import type { StatusResult } from "../contracts.js";

interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly unit?: "seconds" | "bytes";
  readonly samples: readonly Sample[];
}

interface Sample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * The state of an environment in the OpenMetrics text format (version 1.0.0), for a scraper's file collector. An age of `+Inf`
 * says that there is none: whatever limit an alert has, it is over it.
 *
 * @param now what ages are counted to.
 */
export function renderMetrics({ environment, ...status }: StatusResult, now: Date): string {
  return render(environment, [
    ...backupGauges(
      {
        complete: status.backups.length,
        damaged: status.damaged.length,
        newest: status.backups[0]?.created,
        proved: status.proved?.made,
      },
      now,
    ),
    ...migrationGauges({
      applied: status.applied.length,
      pending: status.pending.length,
      failed: status.failed.length,
    }),
  ]);
}

/** As {@link renderMetrics}, with what was measured beside; what could not be is left out, and `up` says so. */
export function renderMeasured({ environment, server, backups, disks, at }: MeasureResult): string {
  const now = new Date(at);
  const disk = (name: string, help: string, of: (figure: { used: number; of: number }) => number): Gauge => ({
    name,
    help,
    unit: "bytes",
    samples: Object.entries(disks).map(([path, figure]) => ({ value: of(figure), labels: { path } })),
  });
  return render(environment, [
    gauge("safe_migration_database_up", "Whether the server answers, and is this environment's.", server ? 1 : 0),
    gauge(
      "safe_migration_measured_timestamp_seconds",
      "When this was measured, in seconds since 1970.",
      now.getTime() / 1_000,
      "seconds",
    ),
    ...(server === undefined
      ? []
      : [
          gauge("safe_migration_connections", "Sessions of clients.", server.connections.used),
          gauge("safe_migration_max_connections", "Sessions that the server takes.", server.connections.of),
          ...known(
            "safe_migration_archive_wait_seconds",
            "Wait of the oldest segment of the log that is not archived.",
            server.archiveWaitSeconds,
          ),
          ...known(
            "safe_migration_replica_lag_seconds",
            "How far the slowest standby is behind.",
            server.replicaLagSeconds,
          ),
          ...migrationGauges(server.migrations),
        ]),
    ...(backups === undefined ? [] : backupGauges(backups, now)),
    disk("safe_migration_disk_used_bytes", "Bytes that are in use.", ({ used }) => used),
    disk("safe_migration_disk_size_bytes", "Bytes that may be in use.", ({ of }) => of),
  ]);
}

function known(name: string, help: string, value: number | undefined): Gauge[] {
  return value === undefined ? [] : [gauge(name, help, value, "seconds")];
}

function gauge(name: string, help: string, value: number, unit?: "seconds"): Gauge {
  return { name, help, samples: [{ value }], ...(unit === undefined ? {} : { unit }) };
}

interface Backups {
  readonly complete: number;
  readonly damaged: number;
  readonly newest?: string | undefined;
  readonly proved?: string | undefined;
}

function backupGauges({ complete, damaged, newest, proved }: Backups, now: Date): Gauge[] {
  const age = (time: string | undefined) =>
    time === undefined ? Infinity : Math.round((now.getTime() - Date.parse(time)) / 1000);
  return [
    gauge(
      "safe_migration_proved_backup_age_seconds",
      "Age of the newest backup that was proved by a restore.",
      age(proved),
      "seconds",
    ),
    gauge("safe_migration_backup_age_seconds", "Age of the newest complete backup.", age(newest), "seconds"),
    gauge("safe_migration_backups", "Complete backups in the store.", complete),
    gauge("safe_migration_damaged_backups", "Backups whose manifest cannot be trusted.", damaged),
  ];
}

function migrationGauges(counts: {
  readonly applied: number;
  readonly pending: number;
  readonly failed: number;
}): Gauge[] {
  return [
    gauge("safe_migration_applied_migrations", "Migrations that are applied.", counts.applied),
    gauge("safe_migration_pending_migrations", "Migrations that are not applied.", counts.pending),
    gauge("safe_migration_failed_migrations", "Migrations that failed and may have changed something.", counts.failed),
  ];
}

function render(environment: string, gauges: readonly Gauge[]): string {
  const written = gauges.filter(({ samples }) => samples.length > 0).flatMap((one) => lines(one, environment));
  return `${written.join("\n")}\n# EOF\n`;
}

function lines({ name, help, samples, unit }: Gauge, environment: string): string[] {
  return [
    `# TYPE ${name} gauge`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${help}`,
    ...samples.map(
      ({ value, labels }) => `${name}{${labelled({ environment, ...labels })}} ${value === Infinity ? "+Inf" : value}`,
    ),
  ];
}

function labelled(labels: Readonly<Record<string, string>>): string {
  const escaped = (value: string) => value.replace(/[\\"\n]/g, (found) => (found === "\n" ? "\\n" : `\\${found}`));
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(",");
}
