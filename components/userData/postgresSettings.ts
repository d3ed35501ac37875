/** A machine's size. */
export interface MachineSize {
  readonly memoryMiB: number;
  readonly vcpus: number;
}

/** Connections that a host's PostgreSQL takes; a web application's pool is far below. */
const maxConnections = 100;

const clamp = (value: number, least: number, most: number) => Math.max(least, Math.min(most, Math.floor(value)));

/**
 * PostgreSQL's settings for a machine that it shares with the application and, during a run, with the pipeline.
 *
 * Memory by the rules of PostgreSQL's manual ("Resource Consumption": a quarter for `shared_buffers`, and no more work
 * memory than all connections together may take); the planner's costs for solid-state disks.
 *
 * @throws Error where the machine is too small to run PostgreSQL at all.
 */
export function postgresSettings({ memoryMiB, vcpus }: MachineSize): Record<string, string> {
  if (!(memoryMiB >= 256) || !(vcpus >= 1))
    throw new Error(`a machine with ${memoryMiB} MiB and ${vcpus} vCPUs is too small for PostgreSQL: 256 MiB and 1`);
  const shared = clamp(memoryMiB / 4, 64, 16_384);
  const workers = clamp(vcpus, 1, 64);
  return {
    max_connections: String(maxConnections),
    shared_buffers: `${shared}MB`,
    // What the kernel's page cache is likely to hold beside it.
    effective_cache_size: `${clamp(memoryMiB * 0.6, 128, 1_048_576)}MB`,
    // A sort may take it several times over, and hash_mem_multiplier doubles it for hashes.
    work_mem: `${clamp((memoryMiB - shared) / (maxConnections * 3), 4, 256)}MB`,
    maintenance_work_mem: `${clamp(memoryMiB / 16, 32, 2_048)}MB`,
    max_wal_size: `${clamp(memoryMiB / 2, 512, 8_192)}MB`,
    min_wal_size: "256MB",
    max_worker_processes: String(Math.max(8, workers)),
    max_parallel_workers: String(workers),
    max_parallel_workers_per_gather: String(clamp(workers / 2, 1, 4)),
    max_parallel_maintenance_workers: String(clamp(workers / 2, 1, 4)),
    random_page_cost: "1.1",
    effective_io_concurrency: "200",
    huge_pages: "try",
    password_encryption: "scram-sha-256",
    // The application is on the same machine; everybody else comes in by SSH.
    listen_addresses: "localhost",
    // What initdb would write into a file that a host which takes the data over does not have.
    timezone: "Etc/UTC",
    log_timezone: "Etc/UTC",
    datestyle: "iso, mdy",
    default_text_search_config: "pg_catalog.english",
    lc_messages: "C.UTF-8",
    lc_monetary: "C.UTF-8",
    lc_numeric: "C.UTF-8",
    lc_time: "C.UTF-8",
    log_lock_waits: "on",
    log_min_duration_statement: "1s",
    log_checkpoints: "on",
  };
}

/** Settings as a configuration file. */
export function renderSettings(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
    .join("");
}
