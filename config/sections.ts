import { z } from "zod";
import {
  applicationSettings,
  approvalSchema,
  notifySettings,
  rehearseSettings,
  riskSettings,
  settingsSchema,
  targetSettings,
  windowSettings,
} from "../pipeline/contracts.js";
import {
  alarmsConfig,
  connectionConfig,
  logsConfig,
  networkConfig,
  promotionConfig,
  refreshConfig,
  runnerConfig,
  storeConfig,
} from "./cloud.js";
import { databaseConfig } from "./database.js";

/** Every section of a stack's configuration, with its defaults. */
export const sections = {
  database: databaseConfig,
  /** The Prisma project, its paths relative to the folder of `Pulumi.yaml`. */
  project: z
    .strictObject({
      /** Prisma schema: a file, or a folder of `.prisma` files. */
      schema: z.string().min(1).default("prisma/schema.prisma"),
      migrations: z.string().min(1).default("prisma/migrations"),
      /** Module with the application's own data checks; empty: none. */
      checks: z.string().default("prisma/checks.ts"),
    })
    .prefault({}),
  /** Sample data, generated on the first start of a `local` database. */
  sample: z
    .strictObject({
      /** Off for a Prisma project other than the shipped one. */
      enabled: z.boolean().default(true),
      users: z.int().min(1).max(10_000_000).default(10_000),
      orders: z.int().min(1).max(50_000_000).default(50_000),
    })
    .prefault({}),
  store: storeConfig,
  network: networkConfig.prefault({}),
  connection: connectionConfig.prefault({}),
  runner: runnerConfig.prefault({}),
  promotion: promotionConfig.prefault({}),
  refresh: refreshConfig.prefault({}),
  backup: settingsSchema.shape.backup.prefault({}),
  preflight: settingsSchema.shape.preflight.prefault({}),
  rehearse: rehearseSettings.prefault({}),
  migrate: settingsSchema.shape.migrate.prefault({}),
  /** The application's process under pm2 and its health. */
  application: applicationSettings.prefault({}),
  /** What a migration above safe needs to be let through; see docs/gate.md. */
  risk: riskSettings.prefault({}),
  /** When migrations may be applied; see docs/window.md. */
  window: windowSettings.prefault({}),
  /** What reports hold runs against; see docs/reports.md. */
  targets: targetSettings.prefault({}),
  /** Who is told of a run; see docs/notifications.md. */
  notify: notifySettings
    .extend({
      /** Who is told by e-mail, through the topic that a stack on AWS makes; each of them is asked by AWS to confirm. */
      emails: z
        .array(z.email())
        .refine((all) => new Set(all).size === all.length, "one of them stands here twice")
        .default([]),
    })
    .prefault({}),
  /** Where stages log to beside the store; see docs/hosts.md. */
  logs: logsConfig.prefault({}),
  /** When the owner of a stack on AWS is told without a run; see docs/alarms.md. */
  alarms: alarmsConfig.prefault({}),
  /** Who answered for which version of which migration; `npm run approve` writes it. */
  approvals: z.array(approvalSchema).default([]),
  pipeline: z
    .strictObject({
      /** `always`: on every update; `onChange`: only when migrations or schema changed since the last verified run. */
      run: z.enum(["always", "onChange"]).default("always"),
    })
    .prefault({}),
};

export const configSchema = z.strictObject(sections);
export type Config = z.infer<typeof configSchema>;
