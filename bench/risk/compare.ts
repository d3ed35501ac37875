import path from "node:path";
import { type MigrationSource, type Tier, tiers } from "../../pipeline/risk/types.js";
import { type Figures, did, effects, figuresOf } from "./figures.js";
import type { Observed } from "./oracle.js";
import { type OurFile, type SquawkFinding, claimsOfOurs, claimsOfSquawk, squawkStyle } from "./tools.js";

export interface Results {
  readonly ours: readonly OurFile[];
  /** `undefined`: it was not run. */
  readonly squawk: readonly SquawkFinding[] | undefined;
  readonly observed: readonly Observed[];
  /** The least that a file must be called, where that is known. */
  readonly least: ReadonlyMap<string, Tier>;
}

export interface Comparison {
  readonly applied: number;
  /** Files that PostgreSQL refused, with its reason. */
  readonly refused: readonly string[];
  readonly tiers: Readonly<Record<Tier, number>>;
  readonly figures: readonly Figures[];
  /** Files that are called less than what was put into them. */
  readonly calledTooLow: readonly string[];
  /** Files called safe in which PostgreSQL dropped a table or a column. */
  readonly safeThatDropped: readonly string[];
  /** Files with a finding, of whatever kind. */
  readonly flagged: { readonly ours: number; readonly squawk?: number; readonly squawkWithoutStyle?: number };
  /** Per rule: files in which the one finds this and the other nothing (squawk's rules of style left out). */
  readonly onlyOurs: Readonly<Record<string, readonly string[]>>;
  readonly onlySquawk: Readonly<Record<string, readonly string[]>>;
}

/** What both tools say of the same files, beside what PostgreSQL did. */
export function compare(migrations: readonly MigrationSource[], results: Results): Comparison {
  const { ours, observed, least } = results;
  const names = migrations.map(({ name }) => name);
  const tierOf = new Map(ours.map(({ file, tier }) => [nameOf(file), tier]));
  const tierCount = (wanted: Tier) => ours.filter(({ tier }) => tier === wanted).length;
  const squawk = results.squawk?.filter(({ rule_name }) => !squawkStyle.has(rule_name));
  const claims = [
    { tool: "safe-migration", claims: claimsOfOurs(ours, nameOf) },
    ...(results.squawk === undefined
      ? []
      : [{ tool: "squawk", claims: claimsOfSquawk(results.squawk, names, nameOf) }]),
  ];
  return {
    applied: observed.filter(({ applied }) => applied).length,
    refused: observed.filter(({ applied }) => !applied).map(({ name, problem = "" }) => `${name}: ${problem}`),
    tiers: { safe: tierCount("safe"), risky: tierCount("risky"), dangerous: tierCount("dangerous") },
    figures: effects.flatMap((effect) =>
      claims.map(({ tool, claims: said }) => figuresOf(tool, effect, said, observed)),
    ),
    calledTooLow: names.filter(
      (name) => tiers.indexOf(tierOf.get(name) ?? "safe") < tiers.indexOf(least.get(name) ?? "safe"),
    ),
    safeThatDropped: observed
      .filter((file) => did(file, "drop") && tierOf.get(file.name) === "safe")
      .map(({ name }) => name),
    flagged: {
      ours: ours.filter(({ tier }) => tier !== "safe").length,
      ...(results.squawk === undefined ? {} : { squawk: filesOf(results.squawk) }),
      ...(squawk === undefined ? {} : { squawkWithoutStyle: filesOf(squawk) }),
    },
    ...differences(ours, squawk),
  };
}

/** A migration is named by its folder. */
export function nameOf(file: string): string {
  return path.basename(path.dirname(file));
}

function filesOf(findings: readonly SquawkFinding[]): number {
  return new Set(findings.map(({ file }) => file)).size;
}

function differences(
  ours: readonly OurFile[],
  squawk: readonly SquawkFinding[] | undefined,
): Pick<Comparison, "onlyOurs" | "onlySquawk"> {
  if (squawk === undefined) return { onlyOurs: {}, onlySquawk: {} };
  const byOurs = new Map(ours.map(({ file, findings }) => [nameOf(file), new Set(findings.map(({ rule }) => rule))]));
  const bySquawk = new Map<string, Set<string>>();
  for (const { file, rule_name } of squawk) {
    const name = nameOf(file);
    bySquawk.set(name, (bySquawk.get(name) ?? new Set()).add(rule_name));
  }
  return {
    onlyOurs: byRule(byOurs, (name) => (bySquawk.get(name)?.size ?? 0) === 0),
    onlySquawk: byRule(bySquawk, (name) => (byOurs.get(name)?.size ?? 0) === 0),
  };
}

function byRule(
  found: ReadonlyMap<string, ReadonlySet<string>>,
  otherFindsNothing: (name: string) => boolean,
): Record<string, string[]> {
  const rules: Record<string, string[]> = {};
  for (const [name, own] of found) {
    if (!otherFindsNothing(name)) continue;
    for (const rule of own) (rules[rule] ??= []).push(name);
  }
  return rules;
}
