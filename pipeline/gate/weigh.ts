import type { TableSizes } from "../contracts.js";
import { highest } from "../risk/assess.js";
import { show } from "../risk/names.js";
import type { FileRisk, RiskFinding } from "../risk/types.js";
import type { Assessed } from "./decide.js";
import { type Answer, type Facts, most } from "./facts.js";
import type { Inquiry } from "./questions.js";

/** The rule of a finding that the database at hand makes, where the file alone shows none; described in `docs/gate.md`. */
export const databaseRule = "database";

/**
 * Weighs what the file shows by what the database says: a column that holds values makes its drop dangerous; rows that a
 * statement will fail on are told. An answer never makes a tier lower: sizes, an empty table among them, are the classifier's to
 * weigh, it is given them.
 */
export function weigh(assessed: Assessed, facts: Facts, inquiry: Inquiry): Assessed {
  const answers = facts.answers.filter(({ question }) => question.migration === assessed.migration);
  const lines = new Set(assessed.risk.findings.map(({ line }) => line));
  const sizes = inquiry.mentions
    .filter(({ migration, line }) => migration === assessed.migration && lines.has(line))
    .flatMap(({ table: { schema, name } }) => describeSize(`${schema}.${name}`, facts.sizes));
  const told = answers.flatMap((answer) => tell(answer) ?? []);
  const risk = told.reduce(apply, assessed.risk);
  return {
    ...assessed,
    risk: { ...risk, unknowns: risk.unknowns.filter((unknown) => !answered(unknown, answers)) },
    nothingToLose: facts.empty && !inquiry.beyond.has(assessed.migration),
    evidence: [...new Set([...sizes, ...told.map(({ line, message }) => `line ${line}: ${message}`)])],
  };
}

function describeSize(key: string, sizes: TableSizes | undefined): string[] {
  const size = sizes?.[key];
  if (size === undefined) return [];
  if (size.rows === 0) return [`${key} holds no row`];
  return [`${key} holds about ${size.rows} row(s) in ${(size.bytes / 1024 ** 2).toFixed(1)} MiB`];
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
