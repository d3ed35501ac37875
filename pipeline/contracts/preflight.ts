import { z } from "zod";
import { tiers } from "./tiers.js";
import { identitySchema, tableSizes } from "./identity.js";
import { migrationRef } from "./migration.js";
import { resultFields } from "./request.js";
import { statementSeen } from "./statements.js";
import { windowRecord } from "./window.js";

/** What was found in a pending migration that is not safe, and what the gate said; short, as it is kept in the state. */
export const riskSummary = z.strictObject({
  migration: z.string(),
  checksum: z.string(),
  tier: z.enum(tiers),
  verdict: z.enum(["safe", "passed", "approved", "refused"]),
  /** Who approved and why, or why it was passed or refused. */
  why: z.string(),
  findings: z.array(
    z.strictObject({
      rule: z.string(),
      tier: z.enum(tiers),
      line: z.int(),
      message: z.string(),
      safer: z.string(),
      /** Reason of the comment that answers for it. */
      ignored: z.string().optional(),
    }),
  ),
  /** How many findings are left out. */
  omitted: z.int(),
  /** What the database at hand says of it. */
  evidence: z.array(z.string()),
  /** What Prisma itself warned of when it wrote the file. */
  prismaWarnings: z.array(z.string()),
  unknowns: z.array(z.string()),
});
export type RiskSummary = z.infer<typeof riskSummary>;

export const preflightResult = z.strictObject({
  ...resultFields,
  stage: z.literal("preflight"),
  identity: identitySchema,
  databaseBytes: z.int(),
  applied: z.array(migrationRef),
  pending: z.array(migrationRef),
  warnings: z.array(z.string()),
  /** The pending migrations above safe. Absent in results of earlier versions. */
  risks: z.array(riskSummary).optional(),
  /** How the run stands to the maintenance window. Absent in results of earlier versions. */
  window: windowRecord.optional(),
  /** The biggest tables. Absent in results of earlier versions, and where they could not be had. */
  tables: tableSizes.optional(),
  /** The application's costliest statements; absent without `pg_stat_statements`. */
  statements: z.array(statementSeen).optional(),
  /** The state in which no drift was found, see `driftProof`; absent where there was drift, or the state was changing. */
  noDrift: z.string().optional(),
});
export type PreflightResult = z.infer<typeof preflightResult>;
