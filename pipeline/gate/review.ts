import type { StageRequest, TableSizes } from "../contracts.js";
import { loadParser } from "../prisma/plan.js";
import type { MigrationsFolder } from "../prisma/migrations.js";
import type { RiskOptions } from "../risk/types.js";
import { type Classifier, assessPending } from "./assess.js";
import { type GateDecision, decideGate } from "./decide.js";
import { gatherFacts } from "./facts.js";
import { policyOf } from "./policy.js";
import { inquire } from "./questions.js";
import { weigh } from "./weigh.js";

/** The schema of names without one, where the connection names none. */
const publicSchema = "public";

/** Sizes as the classifier takes them. */
export function factsOf(sizes: TableSizes | undefined): Pick<RiskOptions, "facts"> {
  return sizes === undefined ? {} : { facts: new Map(Object.entries(sizes)) };
}

/**
 * The gate with the database at hand: the pending migrations' risk, weighed by what its tables hold. Only reads.
 *
 * @param pending names of the pending migrations.
 */
export async function reviewOnDatabase(
  { database, environment, settings }: Pick<StageRequest, "database" | "environment" | "settings">,
  folder: MigrationsFolder,
  pending: ReadonlySet<string>,
  postgresMajor: number,
  classify?: Classifier,
): Promise<GateDecision> {
  await loadParser();
  const { risk } = settings;
  const policy = policyOf(environment, risk);
  if (pending.size === 0) return decideGate([], policy, risk.approvals);
  const defaultSchema = database.schema ?? publicSchema;
  const inquiry = inquire(
    folder.migrations.filter(({ name }) => pending.has(name)),
    defaultSchema,
  );
  const facts = await gatherFacts(database, inquiry);
  const { largeTableBytes } = risk;
  const options: RiskOptions = { postgresMajor, largeTableBytes, defaultSchema, ...factsOf(facts.sizes) };
  const assessed = await assessPending(folder, pending, options, classify);
  return decideGate(
    assessed.map((migration) => weigh(migration, facts, inquiry)),
    policy,
    risk.approvals,
  );
}
