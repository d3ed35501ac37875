import type { StatusResult } from "../stages/status.js";

interface Gauge {
  readonly name: string;
  readonly help: string;
  /** Undefined: not there, which is written as infinitely old. */
  readonly value: number | undefined;
  readonly unit?: "seconds";
}

/**
 * The state of an environment in the OpenMetrics text format (version 1.0.0), for a scraper's file collector. An age of `+Inf`
 * says that there is none: whatever limit an alert has, it is over it.
 *
 * @param now what ages are counted to.
 */
export function renderMetrics(status: StatusResult, now: Date): string {
  const age = (time: string | undefined) =>
    time === undefined ? undefined : Math.round((now.getTime() - Date.parse(time)) / 1000);
  const gauges: Gauge[] = [
    {
      name: "safe_migration_proved_backup_age_seconds",
      unit: "seconds",
      help: "Age of the newest backup that was proved by a restore.",
      value: age(status.proved?.made),
    },
    {
      name: "safe_migration_backup_age_seconds",
      unit: "seconds",
      help: "Age of the newest complete backup.",
      value: age(status.backups[0]?.created),
    },
    { name: "safe_migration_backups", help: "Complete backups in the store.", value: status.backups.length },
    {
      name: "safe_migration_damaged_backups",
      help: "Backups whose manifest cannot be trusted.",
      value: status.damaged.length,
    },
    { name: "safe_migration_applied_migrations", help: "Migrations that are applied.", value: status.applied.length },
    {
      name: "safe_migration_pending_migrations",
      help: "Migrations that are not applied.",
      value: status.pending.length,
    },
    {
      name: "safe_migration_failed_migrations",
      help: "Migrations that failed and may have changed something.",
      value: status.failed.length,
    },
  ];
  const label = `{environment="${status.environment.replace(/[\\"\n]/g, (found) => (found === "\n" ? "\\n" : `\\${found}`))}"}`;
  return `${gauges.flatMap((gauge) => lines(gauge, label)).join("\n")}\n# EOF\n`;
}

function lines({ name, help, value, unit }: Gauge, label: string): string[] {
  return [
    `# TYPE ${name} gauge`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${help}`,
    `${name}${label} ${value ?? "+Inf"}`,
  ];
}
