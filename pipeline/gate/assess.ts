import type { MigrationsFolder } from "../prisma/migrations.js";
import { assessMigrations } from "../risk/assess.js";
import type { FileRisk, RiskFinding, RiskOptions } from "../risk/types.js";
import type { Assessed } from "./decide.js";
import { type PrismaWarning, prismaWarnings } from "./prismaWarnings.js";

/** The rule of a finding that Prisma's own warnings make; described in `docs/gate.md`. */
export const prismaWarningRule = "prisma-warning";

/** Judges migrations; a stand-in for the classifier in tests. */
export type Classifier = typeof assessMigrations;

/**
 * The risk of the pending migrations of a folder, from what is in the files and what Prisma itself warned of.
 *
 * @param pending names of those to judge; all others are the history before them.
 */
export async function assessPending(
  folder: Pick<MigrationsFolder, "migrations">,
  pending: ReadonlySet<string>,
  options: RiskOptions,
  classify: Classifier = assessMigrations,
): Promise<Assessed[]> {
  const asked = folder.migrations.filter(({ name }) => pending.has(name));
  if (asked.length === 0) return [];
  const risks = await classify(folder.migrations, pending, options);
  return asked.map(({ name, checksum, sql }, at) => {
    const risk = risks[at];
    if (risk === undefined) throw new Error(`the classifier gave no answer for ${name}`);
    return assessedOf({ name, checksum, sql }, risk);
  });
}

/** A migration's risk with what Prisma itself warned of; no database has been asked. */
export function assessedOf(
  { name, checksum, sql }: { readonly name: string; readonly checksum: string; readonly sql: string },
  risk: FileRisk,
): Assessed {
  const warnings = prismaWarnings(sql);
  return {
    migration: name,
    checksum,
    risk: withPrismaWarnings(risk, warnings),
    evidence: [],
    prismaWarnings: warnings.map(({ message }) => message),
    nothingToLose: false,
  };
}

/** A loss that Prisma warned of is never safe; where the classifier found something itself, it has said it better. */
function withPrismaWarnings(risk: FileRisk, warnings: readonly PrismaWarning[]): FileRisk {
  const losses = warnings.filter(({ losesData }) => losesData);
  if (losses.length === 0 || risk.tier !== "safe" || risk.findings.some(({ tier }) => tier !== "safe")) return risk;
  const findings = losses.map(({ line, message }): RiskFinding => ({
    rule: prismaWarningRule,
    tier: "risky",
    line,
    message: `Prisma warns: ${message}`,
    safer: "If the SQL was changed since and does this no longer, take the warning out of the comment.",
    effects: ["loss"],
  }));
  return { ...risk, tier: "risky", effects: [...risk.effects, "loss"], findings: [...risk.findings, ...findings] };
}
