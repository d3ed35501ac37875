/** Settings of a copy's parameter group by which nothing in it acts by itself from the first moment on; see components/aws/rdsPostgres.ts. */
export const inertParameters = {
  /** No worker of a subscription is started, which would take changes that are the original's out of the publisher's slot. */
  max_logical_replication_workers: "0",
  /** No module that starts jobs: pg_cron. */
  shared_preload_libraries: "pg_stat_statements",
} as const;
