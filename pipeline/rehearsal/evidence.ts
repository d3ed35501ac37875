import type { RiskEvidence } from "../contracts.js";
import { type Assessed, countedTier, isAtLeast } from "../gate/decide.js";
import type { Policy } from "../gate/policy.js";
import { highest } from "../risk/assess.js";
import type { Effect, RiskFinding, Tier } from "../risk/types.js";
import { type Observed, describeObserved } from "./observed.js";
import type { StatementEvidence } from "./touched.js";

/** From where on what was measured counts. */
export interface Thresholds {
  /** An application's request that waits for longer is refused, in milliseconds (`migrate.refusedAfterMs`). */
  readonly refusedAfterMs: number;
  /** For so long it may be refused in one run, in milliseconds (`migrate.maxRefusedMs`). */
  readonly maxRefusedMs: number;
  /** Size in bytes from which a table is large (`risk.largeTableBytes`). */
  readonly largeTableBytes: number;
}

/** What the copy showed of one migration. */
export interface Measured {
  /** `undefined`: nothing is known of its statements, and no finding is disproved. */
  readonly statements: readonly StatementEvidence[] | undefined;
  /** What it did to data, as it declares. */
  readonly observed: readonly Observed[];
  /** It wrote to tables that were there before. */
  readonly wrote: boolean;
}

type Raise = RiskEvidence["raises"][number];

/**
 * What a rehearsal makes of the tier that the file, and what the database holds, gave a migration: the engine is the judge. What was
 * measured and is graver than what was said raises it; a finding that the copy disproved counts no longer.
 *
 * A comment `-- risk-ignore` answers for what is measured of its statement, too, up to the tier of the finding it names.
 */
export function judgeByEvidence(
  assessed: Pick<Assessed, "risk">,
  policy: Pick<Policy, "ignoreComments">,
  measured: Measured,
  thresholds: Thresholds,
): Omit<RiskEvidence, "statements"> {
  const { findings } = assessed.risk;
  const asked = countedTier(assessed.risk, policy);
  const counting = findings.filter(({ ignored }) => ignored === undefined || policy.ignoreComments === "refuse");
  const ignored = findings.filter((finding) => !counting.includes(finding));
  const seen = [
    ...(measured.statements ?? []).flatMap((statement) => seenOf(statement, thresholds)),
    ...measured.observed.map(lossOf),
  ].filter((raise) => !ignored.some((finding) => answers(finding, raise)));
  const judged = counting.map((finding) => ({ finding, tier: measuredTier(finding, measured, thresholds) }));
  const tier = highest([...judged.map((one) => one.tier), ...seen.map((raise) => raise.tier)]);
  return {
    asked,
    tier,
    verdict: tier === asked ? "confirmed" : isAtLeast(tier, asked) ? "raised" : "lowered",
    raises: seen.filter((raise) => !isAtLeast(asked, raise.tier)),
    disproved: judged.filter((one) => one.tier !== one.finding.tier).map((one) => disproof(one.finding, one.tier)),
  };
}

/** What a statement did that makes it more than safe. */
function seenOf(statement: StatementEvidence, thresholds: Thresholds): Raise[] {
  const { line, heldMs, locks, rewritten } = statement;
  const held = locks.filter(() => heldMs >= thresholds.refusedAfterMs);
  const tier: Tier = heldMs >= thresholds.maxRefusedMs ? "dangerous" : "risky";
  return [
    ...held.map(({ mode, table, keepsOut }) => ({
      tier,
      line,
      message: `held ${mode} on ${table} for ${heldMs} ms on the copy; ${keepsOut} wait as long`,
    })),
    ...rewritten
      .filter(({ bytes }) => bytes >= thresholds.largeTableBytes)
      .map(({ table, bytes }) => ({
        tier: "risky" as const,
        line,
        message: `wrote ${table} anew, ${(bytes / 1024 ** 2).toFixed(0)} MiB, within ${heldMs} ms on the copy`,
      })),
  ];
}

/** The seed's lists: what takes values away is dangerous, what changes or deletes some asks for attention. */
function lossOf(observed: Observed): Raise {
  const dropped = observed.effect === "drops" && observed.sequence !== true;
  return { tier: dropped ? "dangerous" : "risky", line: 0, message: describeObserved(observed) };
}

const ofLoss: readonly Effect[] = ["loss", "drop"];
/** What a trial can disprove: that it takes long, or fails. The others are of meaning, not of time. */
const measurable: readonly Effect[] = ["rewrite", "scan", "lock", "fails"];

function answers({ effects, line, tier }: RiskFinding, raise: Raise): boolean {
  if (!isAtLeast(tier, raise.tier)) return false;
  if (raise.line !== 0) return raise.line === line;
  return effects.some((effect) => ofLoss.includes(effect) || effect === "opaque");
}

/** Rules of which the seed's list says that they need attention on a table with data, however quick they are. */
const listed = new Set(["add-column-not-null", "add-foreign-key", "set-not-null"]);
const opaqueRule = "opaque";

function measuredTier(finding: RiskFinding, measured: Measured, thresholds: Thresholds): Tier {
  const own = measured.statements?.filter(({ line }) => line === finding.line) ?? [];
  if (own.length === 0 || finding.tier === "safe") return finding.tier;
  if (own.some((statement) => seenOf(statement, thresholds).length > 0)) return finding.tier;
  // Of an opaque statement all was measured; what it did to data counts by itself.
  if (finding.rule === opaqueRule) return measured.wrote ? "risky" : "safe";
  if (listed.has(finding.rule)) return finding.tier;
  return finding.effects.every((effect) => measurable.includes(effect)) ? "safe" : finding.tier;
}

function disproof({ rule, line, tier }: RiskFinding, now: Tier): string {
  return `line ${line}: ${rule}, ${tier} by the file, is ${now} on this data`;
}

/** What raises it, with its place, for people. */
export function describeRaise({ line, message }: Raise): string {
  return line === 0 ? message : `line ${line}: ${message}`;
}

/** How many statements a result tells of, the longest first; the stage's log has all. */
const most = 10;

/** The statements as a result keeps them. */
export function tellStatements(statements: readonly StatementEvidence[]): RiskEvidence["statements"] {
  const weight = ({ locks, heldMs, durationMs }: StatementEvidence) => (locks.length > 0 ? heldMs : durationMs);
  const longest = statements.toSorted((a, b) => weight(b) - weight(a)).slice(0, most);
  return longest.map(({ line, durationMs, heldMs, locks, rewritten, dropped }) => ({
    line,
    durationMs,
    heldMs,
    locks: locks.slice(0, most).map(({ table, mode }) => `${table} ${mode}`),
    rewrites: rewritten.slice(0, most).map(({ table }) => table),
    drops: dropped.slice(0, most),
  }));
}
