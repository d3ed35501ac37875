import type { MigrationRef, Settings } from "../pipeline/contracts.js";
import { assessPending } from "../pipeline/gate/assess.js";
import { type Assessed, type GateDecision, decideGate } from "../pipeline/gate/decide.js";
import { policyOf } from "../pipeline/gate/policy.js";
import { inquire } from "../pipeline/gate/questions.js";
import { factsOf } from "../pipeline/gate/review.js";
import { tellSizes } from "../pipeline/gate/weigh.js";
import { supportedMajors } from "../pipeline/postgres/version.js";
import type { MigrationsFolder } from "../pipeline/prisma/migrations.js";
import { type LastRun, pendingSince } from "./lastRun.js";

export interface ReviewArgs {
  readonly environment: string;
  readonly folder: MigrationsFolder;
  readonly last: LastRun | undefined;
  readonly risk: Settings["risk"];
  /** PostgreSQL schema of names without one. */
  readonly defaultSchema: string;
  /** See {@link Review.against}. */
  readonly against?: string | undefined;
}

/** What a preview knows of the migrations to come, from the folder and the stack's last outputs alone. */
export interface Review {
  readonly pending: readonly MigrationRef[];
  /** Of the pending ones; none for {@link Review.edited}. */
  readonly gate: GateDecision;
  /** Names of those that the last run applied in another version: preflight refuses them, whoever approved. */
  readonly edited: ReadonlySet<string>;
  /** Names of those that the last run applied and the folder lacks: preflight refuses all while they are missing. */
  readonly missing: readonly string[];
  /**
   * Before the first run nothing is known of the database: it may be new, and it may have all of the migrations. So preflight,
   * which looks at it, decides alone.
   */
  readonly decides: boolean;
  /** What the pending ones are told apart by, where that is not the stack's last run. */
  readonly against?: string;
}

export async function reviewPending(args: ReviewArgs): Promise<Review> {
  const { environment, folder, last, risk, against } = args;
  const refs = folder.migrations.map(({ name, checksum }) => ({ name, checksum }));
  const pending = pendingSince(last, refs);
  const applied = new Set(last?.migrations.map(({ name }) => name));
  const edited = new Set(pending.map(({ name }) => name).filter((name) => applied.has(name)));
  const names = new Set(pending.map(({ name }) => name).filter((name) => !edited.has(name)));
  const gate = decideGate(await assessSince(args, names), policyOf(environment, risk), risk.approvals);
  const there = new Set(refs.map(({ name }) => name));
  const missing = [...applied].filter((name) => !there.has(name));
  const decides = last !== undefined;
  return { pending, gate, edited, missing, decides, ...(against === undefined ? {} : { against }) };
}

/** The risk of these migrations by the sizes that the last run noted. */
export async function assessSince(
  { folder, last, risk, defaultSchema }: Omit<ReviewArgs, "environment">,
  names: ReadonlySet<string>,
): Promise<Assessed[]> {
  const assessed = await assessPending(folder, names, {
    // Where no server has been seen, the one that rewrites and scans most.
    postgresMajor: last?.postgresMajor ?? supportedMajors.from,
    largeTableBytes: risk.largeTableBytes,
    defaultSchema,
    ...factsOf(last?.tables),
  });
  if (last?.tables === undefined) return assessed;
  const inquiry = inquire(
    folder.migrations.filter(({ name }) => names.has(name)),
    defaultSchema,
  );
  return assessed.map((one) => ({
    ...one,
    evidence: tellSizes(one, last.tables, inquiry).map((text) => `at the last run ${text}`),
  }));
}
