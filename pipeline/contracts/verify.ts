import { z } from "zod";
import { backupResult } from "./backup.js";
import { tableSizes } from "./identity.js";
import { migrateResult } from "./migrate.js";
import { migrationRef } from "./migration.js";
import { preflightResult } from "./preflight.js";
import { rehearseResult } from "./rehearse.js";
import { provedBackup } from "./proved.js";
import { resultFields, stageRequest } from "./request.js";
import { statementSeen } from "./statements.js";

export const verifyRequest = stageRequest.extend({
  preflight: preflightResult.optional(),
  migrate: migrateResult.optional(),
  backup: backupResult.optional(),
  rehearsal: rehearseResult.optional(),
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
  ...resultFields,
  stage: z.literal("verify"),
  migrations: z.array(migrationRef),
  counts: z.record(z.string(), z.int()),
  relations: z.int(),
  findings: z.array(findingSchema),
  health: healthSchema,
  report: z.string(),
  /** The newest backup that was proved by a restore; absent where none was. */
  proved: provedBackup.optional(),
  /** The biggest tables, for the risk of the next migrations in a preview. Absent in results of earlier versions. */
  tables: tableSizes.optional(),
  /** Exact rows by `schema.table`. Absent in results of earlier versions. */
  rows: z.record(z.string(), z.int()).optional(),
  /** The statements that preflight noted, as they stand now; absent without `pg_stat_statements`. */
  statements: z.array(statementSeen).optional(),
});
export type VerifyResult = z.infer<typeof verifyResult>;
