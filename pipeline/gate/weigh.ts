import type { TableSizes } from "../contracts.js";
import { highest } from "../risk/assess.js";
import { show } from "../risk/names.js";
import type { Effect, FileRisk, RiskFinding } from "../risk/types.js";
import type { Assessed } from "./decide.js";
import { describeDuration } from "./duration.js";
import { type Answer, type Facts, most } from "./facts.js";
import type { Inquiry } from "./questions.js";

/** The rule of a finding that the database at hand makes, where the file alone shows none; described in `docs/gate.md`. */
const databaseRule = "database";

/**
 * Weighs what the file shows by what the database says: a column that holds values makes its drop dangerous; rows that a
 * statement will fail on are told. An answer never makes a tier lower: sizes, an empty table among them, are the classifier's to
 * weigh, it is given them.
 */
export function weigh(assessed: Assessed, facts: Facts, inquiry: Inquiry): Assessed {
  const answers = facts.answers.filter(({ question }) => question.migration === assessed.migration);
  const sizes = tellSizes(assessed, facts.sizes, inquiry);
  const told = answers.flatMap((answer) => tell(answer) ?? []);
  const risk = told.reduce(apply, assessed.risk);
  return {
    ...assessed,
    risk: { ...risk, unknowns: risk.unknowns.filter((unknown) => !answered(unknown, answers)) },
    nothingToLose: facts.empty && !inquiry.beyond.has(assessed.migration),
    evidence: [...new Set([...sizes, ...told.map(({ line, message }) => `line ${line}: ${message}`)])],
  };
}

/** The sizes of the tables that the findings are about, and how long these hold them. */
export function tellSizes(
  { migration, risk }: Pick<Assessed, "migration" | "risk">,
  sizes: TableSizes | undefined,
  { mentions }: Pick<Inquiry, "mentions">,
): string[] {
  const effects = new Map<string, Effect[]>();
  for (const finding of risk.findings) {
    for (const { migration: own, line, table } of mentions) {
      if (own !== migration || line !== finding.line) continue;
      const key = `${table.schema}.${table.name}`;
      effects.set(key, [...(effects.get(key) ?? []), ...finding.effects]);
    }
  }
  return [...effects].flatMap(([key, all]) => describeSize(key, sizes?.[key], all));
}

function describeSize(key: string, size: TableSizes[string] | undefined, effects: readonly Effect[]): string[] {
  if (size === undefined) return [];
  if (size.rows === 0) return [`${key} holds no row`];
  const duration = describeDuration(effects, size.bytes);
  const holds = `${key} holds about ${size.rows} row(s) in ${(size.bytes / 1024 ** 2).toFixed(1)} MiB`;
  return [duration === undefined ? holds : `${holds}; ${duration}`];
}

interface Told {
  readonly line: number;
  readonly message: string;
  /** `loses`: dangerous. `fails`: at least risky. */
  readonly weight: "loses" | "fails" | "none";
}

function tell({ question, found, names = [], unknown }: Answer): Told | undefined {
  const { line, table, ask } = question;
  const where = `${table.schema}.${table.name}`;
  const columns = "columns" in ask ? ask.columns.join(", ") : ask.kind === "rows" ? "" : ask.column;
  if (unknown !== undefined) {
    return { line, message: `${where}${columns === "" ? "" : ` (${columns})`}: not known, ${unknown}`, weight: "none" };
  }
  if (found === undefined) return undefined;
  const rows = found >= most ? `${most} rows or more` : found === 1 ? "1 row" : `${found} rows`;
  const fails = (message: string): Told => ({
    line,
    message: `${message}, so it fails as things are`,
    weight: "fails",
  });
  switch (ask.kind) {
    case "values":
      return found > 0
        ? { line, message: `${where}.${ask.column} holds values in ${rows}; they would be lost`, weight: "loses" }
        : { line, message: `${where}.${ask.column} holds no value`, weight: "none" };
    case "nulls":
      return found > 0 ? fails(`${where} (${columns}) is NULL in ${rows}`) : undefined;
    case "rows":
      return found > 0 ? fails(`${where} has ${rows}, which would have no value for "${ask.column}"`) : undefined;
    case "duplicates":
      return found > 0 ? fails(`${where} (${columns}) has ${rows.replace("row", "value")} more than once`) : undefined;
    case "orphans":
      return found > 0
        ? fails(`${where} (${columns}) points at no row of ${ask.references.schema}.${ask.references.name} in ${rows}`)
        : undefined;
    case "views":
      return found > 0 ? fails(`${where}.${ask.column} is read by ${names.join(", ")}`) : undefined;
  }
}

function apply(risk: FileRisk, { line, message, weight }: Told): FileRisk {
  if (weight === "none") return risk;
  const tier = weight === "loses" ? "dangerous" : "risky";
  const effect = weight === "loses" ? "loss" : "fails";
  const concerned = (finding: RiskFinding): boolean => finding.line === line && finding.effects.includes(effect);
  const added: RiskFinding = { rule: databaseRule, tier, line, message, safer: remedies[weight], effects: [effect] };
  const findings = risk.findings.some(concerned)
    ? risk.findings.map((finding) =>
        concerned(finding) ? { ...finding, tier: highest([finding.tier, tier]) } : finding,
      )
    : [...risk.findings, added];
  const counting = findings.filter(({ ignored }) => ignored === undefined);
  const effects = [...new Set([...risk.effects, effect] as const)];
  return { ...risk, findings, effects, tier: highest([risk.tier, ...counting.map((finding) => finding.tier)]) };
}

const remedies = {
  loses: "Take the values elsewhere first, in a migration of its own; drop the column in a later release.",
  fails:
    "Mend the rows first, in a migration of its own; where an earlier statement of this file does so, this can be acknowledged.",
} as const;

/** The classifier asked what the database has answered; see its rule `drop-column`. */
function answered(unknown: string, answers: readonly Answer[]): boolean {
  return answers.some(({ question: { table, ask }, found }) => {
    if (found === undefined || ask.kind !== "values") return false;
    return [show({ name: table.name }), show(table)].some((name) =>
      unknown.startsWith(`whether column "${ask.column}" of ${name} holds values`),
    );
  });
}
