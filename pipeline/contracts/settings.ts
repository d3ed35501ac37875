import { z } from "zod";
import { defaultLargeTableBytes } from "./tiers.js";
import { logsSettings } from "./logs.js";
import { approvalSchema } from "./migration.js";
import { notifySettings } from "./notify.js";
import { backupMethods } from "./physical.js";
import { targetSettings } from "./targets.js";
import { windowOverride, windowSettings } from "./window.js";

/** What a migration of each tier needs to be let through; see `docs/gate.md`. */
export const riskSettings = z.strictObject({
  /** `acknowledge`: an approval by name and checksum. `byEnvironment`: `pass` on local and dev, else `acknowledge`. */
  risky: z.enum(["byEnvironment", "pass", "acknowledge"]).default("byEnvironment"),
  /** `approve`: as `acknowledge`, with a reason. `byEnvironment`: `pass` on local and dev, else `approve`. */
  dangerous: z.enum(["byEnvironment", "pass", "acknowledge", "approve"]).default("byEnvironment"),
  /** `refuse`: a finding counts although a comment `-- risk-ignore: RULE REASON` answers for it. */
  ignoreComments: z.enum(["allow", "refuse"]).default("allow"),
  /** Size in bytes from which a table is large: what only blocks is risky from there on. */
  largeTableBytes: z.int().min(1).default(defaultLargeTableBytes),
});

/** The application that uses the database, as far as a run has to do with it. */
export const applicationSettings = z.strictObject({
  /** Name of its process under pm2, which `recover` stops and starts; empty: it does not run under pm2. */
  process: z.string().default("happy-baby-style-backend"),
  /**
   * Account whose pm2 it runs under, where that is another one than the stages': they call it by `sudo`. Empty: theirs; on a host of
   * the stack's own (`ec2`), `application`.
   */
  account: z
    .string()
    .regex(/^([a-z_][a-z0-9_-]{0,31})?$/, "the name of an account")
    .default(""),
  /** Where it says that it is healthy (2xx): asked while a migration runs and after a recovery; empty: it is not asked. */
  healthUrl: z.union([z.literal(""), z.url({ protocol: /^https?$/ })]).default(""),
});

/** Whether the backup is restored, and the pending migrations are tried on the copy, before the database is migrated. */
export const rehearseSettings = z
  .strictObject({
    /** `always`: on every run; `pending`: where a migration is pending; `never`: not at all, which needs a reason. */
    mode: z.enum(["always", "pending", "never"]).default("always"),
    /** What a `down.sql` that does not lead back does to a run. */
    down: z.enum(["refuse", "warn"]).default("refuse"),
    /** Why there is no rehearsal; told by every run. */
    reason: z.string().default(""),
    /**
     * Where the copy of the server's files lies on the host, with `backup.method: pgbackrest`; made where it is not there, by the
     * pipeline's account. Empty: on the data volume.
     */
    folder: z
      .string()
      // The path of a Unix socket in it has 107 bytes at most.
      .regex(/^(\/[A-Za-z0-9._/-]{1,47})?$/, "an absolute path of at most 48 letters, digits, . _ / and -")
      .default(""),
    /** Class of the instance that the copy is, with `backup.method: snapshot`. Empty: that of the original, whose times are then its own. */
    instanceClass: z
      .string()
      .regex(/^(db\.[a-z0-9]+\.[a-z0-9]+)?$/, "a class such as db.t4g.micro")
      .default(""),
  })
  .refine(({ mode, reason }) => mode !== "never" || reason.trim() !== "", {
    path: ["reason"],
    message: "mode never needs a reason: without a rehearsal no backup is proved, and migrations meet real data first",
  });

export const settingsSchema = z.strictObject({
  backup: z.strictObject({
    /**
     * `dump`: with `pg_dump`, into the store. `pgbackrest`: for databases too large to dump, on EC2 hosts: a base backup, the log and a
     * restore point. `snapshot`: the same on RDS: a DB snapshot. See docs/recovery.md.
     */
    method: z.enum(backupMethods).default("dump"),
    /**
     * Before which pending migrations a DB snapshot is made beside the dump, on RDS: a second way back, as a whole instance. `risky`:
     * before those that are risky or dangerous.
     */
    snapshotBefore: z.enum(["never", "dangerous", "risky", "always"]).default("never"),
    /** How long RDS may take for a DB snapshot, or for an instance that is restored from one, in minutes. */
    rdsWaitMinutes: z.number().min(1).default(120),
    /** How often RDS is asked meanwhile, in seconds; each account may ask only so often. */
    rdsAskSeconds: z.number().min(0.1).default(10),
    /** Parallel jobs of `pg_dump`, `pg_restore` and the fingerprints. */
    jobs: z.int().min(1).max(64).default(2),
    /** How many complete backups are kept; the newest is never removed. */
    keep: z.int().min(1).default(14),
    /**
     * How old the newest backup that was proved by a restore may be, in hours, for a run to start; 0: it is not asked. Before an
     * environment's first backup nothing is asked.
     */
    maxProvedAgeHours: z.number().min(0).default(0),
  }),
  preflight: z.strictObject({
    /** What a database that differs from its migration history does to a run. */
    drift: z.enum(["refuse", "warn"]).default("refuse"),
    /** What a server that fails to archive its log (WAL) does to a run; one that does not archive is not asked. */
    archive: z.enum(["refuse", "warn"]).default("refuse"),
    /** A transaction open for longer than this, in seconds, is warned of. */
    longTransactionSeconds: z.int().min(1).default(60),
  }),
  rehearse: rehearseSettings.prefault({}),
  migrate: z.strictObject({
    /**
     * How long a statement waits for a lock before the migration is rolled back and tried again, in milliseconds. Whoever comes after
     * it waits as long: less than `refusedAfterMs`.
     */
    lockTimeoutMs: z.int().min(1).default(500),
    /** How many times a migration is tried again after a lock timeout, or put off because somebody is in its way. */
    lockRetries: z.int().min(0).default(20),
    /** Pause before the first retry, in milliseconds; doubled for each further one, which ends early when nobody is in the way. */
    retryDelayMs: z.int().min(0).default(500),
    /** The longest pause, in milliseconds. */
    retryDelayMaxMs: z.int().min(0).default(5_000),
    /** How long one statement may run, in milliseconds; 0: no limit. */
    statementTimeoutMs: z.int().min(0).default(300_000),
    /**
     * A statement may run for this many times as long as its whole migration took in the rehearsal, where that is less than
     * `statementTimeoutMs`; 0: the rehearsal sets no limit.
     */
    rehearsedTimeoutFactor: z.number().min(0).default(10),
    /** But for so long in any case, in milliseconds, if `statementTimeoutMs` is not less; a lock may be waited for besides. */
    rehearsedTimeoutLeastMs: z.int().min(1).default(30_000),
    /**
     * How long a statement may run behind which neither readers nor writers wait (CREATE INDEX CONCURRENTLY, VALIDATE
     * CONSTRAINT, VACUUM), in milliseconds; 0: no limit.
     */
    concurrentTimeoutMs: z.int().min(0).default(3_600_000),
    /**
     * What follows a failure after migrations of the run were applied. `halt`: they stay, and the message tells the ways that are
     * open. `rollback`: they are taken back by the `down.sql` that the rehearsal proved, or the run's backup is restored, where that
     * loses nothing that anybody wrote since; otherwise as `halt`.
     */
    onFailure: z.enum(["halt", "rollback"]).default("halt"),
    /** How long to wait for Prisma's advisory lock, in milliseconds. */
    advisoryLockWaitMs: z.int().min(0).default(10_000),
    /** How often each touched table is read and written by way of trial while a migration runs, in milliseconds; 0: never. */
    probeEveryMs: z.int().min(0).default(100),
    /** A request that is answered later than this counts as refused, in milliseconds. */
    refusedAfterMs: z.int().min(1).default(1_000),
    /** How long the application may be refused in one run before the migration is stopped and rolled back, in milliseconds. */
    maxRefusedMs: z.int().min(1).default(300_000),
  }),
  application: applicationSettings.prefault({}),
  risk: riskSettings.extend({ approvals: z.array(approvalSchema).default([]) }).prefault({}),
  targets: targetSettings.prefault({}),
  notify: notifySettings.prefault({}),
  logs: logsSettings.prefault({}),
  /** `now` is given for one run, never in a configuration. */
  window: windowSettings.extend({ now: windowOverride.optional() }).prefault({}),
});
export type Settings = z.infer<typeof settingsSchema>;
