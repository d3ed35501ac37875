import { z } from "zod";

/**
 * What the stages are asked and what they answer: one JSON request on standard input, one JSON result on standard output.
 * Both sides of the boundary parse with these schemas. Results are kept in Pulumi's state, so they are small and hold no
 * secret: a password appears only as where to find it.
 */

const absolutePath = z.string().startsWith("/", "must be an absolute path");
/** A name that is safe as a folder, and as part of a database name. */
const runId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, "letters, digits, - and _ only");

/** Where a password is found; never the password itself. */
export const passwordSource = z.discriminatedUnion("from", [
  /** A libpq password file (`host:port:database:user:password`), readable by its owner only. */
  z.strictObject({ from: z.literal("passfile"), path: absolutePath }),
  /** An environment variable of the process that runs the stage. */
  z.strictObject({ from: z.literal("environment"), variable: z.string().min(1) }),
  /** None is asked for: peer authentication over a Unix socket. */
  z.strictObject({ from: z.literal("none") }),
]);
export type PasswordSource = z.infer<typeof passwordSource>;

export const databaseSchema = z.strictObject({
  /** Host name, address, or the absolute path of the folder that holds the Unix socket. */
  host: z.string().min(1),
  port: z.int().min(1).max(65535),
  name: z.string().min(1),
  /** The role the pipeline connects as. */
  user: z.string().min(1),
  password: passwordSource,
  /** The role that migrations run as (`SET ROLE`), so that it owns what they create. Default: `user`. */
  migrateAs: z.string().min(1).optional(),
});
export type Database = z.infer<typeof databaseSchema>;

export const projectSchema = z.strictObject({
  /** Prisma schema: a file, or a folder of `.prisma` files. */
  schema: absolutePath,
  /** Prisma's migrations folder. */
  migrations: absolutePath,
  /** A module (bundled JavaScript) whose default export checks the application's data; see `prisma/checks.ts`. */
  checks: absolutePath.optional(),
});
export type Project = z.infer<typeof projectSchema>;

export const settingsSchema = z.strictObject({
  backup: z.strictObject({
    /** Parallel jobs of `pg_dump`, `pg_restore` and the fingerprints. */
    jobs: z.int().min(1).max(64).default(2),
    /** How many complete backups are kept; the newest is never removed. */
    keep: z.int().min(1).default(14),
  }),
  preflight: z.strictObject({
    /** What a database that differs from its migration history does to a run. */
    drift: z.enum(["refuse", "warn"]).default("refuse"),
    /** A transaction open for longer than this, in seconds, is warned of. */
    longTransactionSeconds: z.int().min(1).default(60),
  }),
  migrate: z.strictObject({
    /** How long a statement waits for a lock before the migration is rolled back and tried again, in milliseconds. */
    lockTimeoutMs: z.int().min(1).default(5_000),
    /** How many times a migration is tried again after a lock timeout. */
    lockRetries: z.int().min(0).default(5),
    /** Pause before the first retry, in milliseconds; doubled for each further one. */
    retryDelayMs: z.int().min(0).default(1_000),
    /** How long one statement may run, in milliseconds; 0: no limit. */
    statementTimeoutMs: z.int().min(0).default(300_000),
    /** How long to wait for Prisma's advisory lock, in milliseconds. */
    advisoryLockWaitMs: z.int().min(0).default(10_000),
  }),
});
export type Settings = z.infer<typeof settingsSchema>;

/** What every stage is told. */
export const stageRequest = z.strictObject({
  /** Name of the environment: `local`, `dev`, `staging`, `prod`. */
  environment: z.string().min(1),
  /** Identifies this run; the name of its folder in the store. */
  run: runId,
  database: databaseSchema,
  project: projectSchema,
  /** The backup store, as a URL: `file:///…`. */
  store: z.url({ protocol: /^file$/ }),
  settings: settingsSchema,
});
export type StageRequest = z.infer<typeof stageRequest>;

/** Fields of every result. */
const result = { run: z.string(), environment: z.string(), at: z.iso.datetime(), durationMs: z.int().min(0) };

export const migrationRef = z.strictObject({
  name: z.string(),
  /** SHA-256 of `migration.sql`, as Prisma records it. */
  checksum: z.string(),
});
export type MigrationRef = z.infer<typeof migrationRef>;

/** How a database is known, whatever the URL says. */
export const identitySchema = z.strictObject({
  /** `pg_control_system().system_identifier`: differs between any two clusters that were not copied from each other. */
  systemIdentifier: z.string(),
  database: z.string(),
  serverVersion: z.string(),
});
export type Identity = z.infer<typeof identitySchema>;

export const preflightResult = z.strictObject({
  ...result,
  stage: z.literal("preflight"),
  identity: identitySchema,
  databaseBytes: z.int(),
  applied: z.array(migrationRef),
  pending: z.array(migrationRef),
  warnings: z.array(z.string()),
});
export type PreflightResult = z.infer<typeof preflightResult>;

export const backupResult = z.strictObject({
  ...result,
  stage: z.literal("backup"),
  /** The backup's identifier: the name of its folder in the store. */
  id: z.string(),
  location: z.string(),
  /** SHA-256 of `manifest.json`, which holds those of all other files. */
  manifestSha256: z.string(),
  identity: identitySchema,
  tables: z.int(),
  rows: z.int(),
  /** Bytes in the store. */
  bytes: z.int(),
  /** Older backups that retention removed. */
  removed: z.array(z.string()),
});
export type BackupResult = z.infer<typeof backupResult>;

export const backupRequest = stageRequest.extend({ preflight: preflightResult.optional() });
export type BackupRequest = z.infer<typeof backupRequest>;

export const migrateRequest = stageRequest.extend({ backup: backupResult });
export type MigrateRequest = z.infer<typeof migrateRequest>;

export const migrateResult = z.strictObject({
  ...result,
  stage: z.literal("migrate"),
  backup: z.string(),
  applied: z.array(
    migrationRef.extend({
      /** Time of the attempt that succeeded, in milliseconds. */
      durationMs: z.int(),
      /** 1 where no lock was in the way. */
      attempts: z.int(),
    }),
  ),
});
export type MigrateResult = z.infer<typeof migrateResult>;

export const verifyRequest = stageRequest.extend({
  migrate: migrateResult.optional(),
  backup: backupResult.optional(),
});
export type VerifyRequest = z.infer<typeof verifyRequest>;

/** The seed's health object: `{ status, tables, users, orders }`, with a count for whatever the checks count. */
export const healthSchema = z
  .object({ status: z.enum(["healthy", "unhealthy"]), tables: z.int() })
  .catchall(z.union([z.int(), z.string()]));
export type Health = z.infer<typeof healthSchema>;

export const findingSchema = z.strictObject({
  check: z.string(),
  severity: z.enum(["error", "warning"]),
  message: z.string(),
  remedy: z.string(),
});
export type Finding = z.infer<typeof findingSchema>;

export const verifyResult = z.strictObject({
  ...result,
  stage: z.literal("verify"),
  migrations: z.array(migrationRef),
  counts: z.record(z.string(), z.int()),
  relations: z.int(),
  findings: z.array(findingSchema),
  health: healthSchema,
  report: z.string(),
});
export type VerifyResult = z.infer<typeof verifyResult>;

export const restoreRequest = stageRequest.extend({
  /** Identifier of the backup; `newest`: the newest complete one. */
  backup: z.string().default("newest"),
});
export type RestoreRequest = z.infer<typeof restoreRequest>;

export const restoreResult = z.strictObject({
  ...result,
  stage: z.literal("restore"),
  backup: z.string(),
  /** The database that was there before, under its new name; absent where there was none. */
  kept: z.string().optional(),
  /** The SQL that drops it, for when it is no longer needed. */
  dropKept: z.string().optional(),
  tables: z.int(),
  rows: z.int(),
  /** Milliseconds in which no connection could be made: from the first session ended to the new name in place. */
  swapMs: z.int(),
});
export type RestoreResult = z.infer<typeof restoreResult>;
