/** Where things are on a host that `components/userData` set up. Constants: they appear in commands without quotes. */
export const hostPaths = {
  /** What this project keeps on a host. */
  home: "/var/lib/safe-migration",
  /** One line, written by user data: `running STEP`, `failed STEP EXITCODE` or `done`. */
  status: "/var/lib/safe-migration/status",
  /** One log for each step, `STEP.log`. */
  logs: "/var/log/safe-migration",
  /** The user data itself, kept to be run again by hand. */
  script: "/usr/local/sbin/safe-migration-host",
  /** Bundles of the pipeline, each in a folder named by its hash; `current` points at the one in use. */
  bundles: "/var/lib/safe-migration/bundles",
  /** Room for what a stage writes before it is in the store: on the data volume where there is one. */
  work: "/var/lib/safe-migration/work",
  /** What the timer measures by, and what it has measured. */
  measure: "/var/lib/safe-migration/measure",
  measureRequest: "/var/lib/safe-migration/measure/request.json",
  metrics: "/var/lib/safe-migration/measure/safe-migration.prom",
  /** Where the data volume is mounted. */
  data: "/srv/data",
  /** Folder of PostgreSQL's Unix socket, as Debian has it. */
  socket: "/var/run/postgresql",
  /** The application's connection URL, readable by the application's account only. */
  applicationEnvironment: "/home/application/database.env",
} as const;

/** The only account that SSH lets in, and the role of the same name that it is in PostgreSQL (peer authentication). */
export const pipelineUser = "pipeline";
/** The account that the application runs as, under pm2. */
export const applicationUser = "application";
/** Major version of PostgreSQL that hosts get: Debian 13's. */
export const postgresMajor = 17;
/** The port that a host's PostgreSQL listens on: on its Unix socket and on the loopback interface. */
export const postgresPort = 5432;
