import { coloursFor } from "../../colours.js";
import { terminalTable, wrapText } from "../../terminalTable.js";
import type { FileRisk, RiskFinding, Tier } from "../types.js";

export interface TableOptions {
  /** Characters in a line. */
  readonly width: number;
  readonly colours: boolean;
}

const marks: Readonly<Record<Tier, string>> = { safe: "🟢", risky: "🟡", dangerous: "🔴" };

/** For a person: what is above safe with the safe way, the rest as a count. */
export function renderTable(risks: readonly FileRisk[], { width, colours }: TableOptions): string {
  if (risks.length === 0) return "There is no migration to judge.";
  const paint = coloursFor(colours);
  const colour: Readonly<Record<Tier, (text: string) => string>> = {
    safe: paint.green,
    risky: paint.yellow,
    dangerous: paint.red,
  };
  // The tier and the borders take the rest.
  const text = Math.max(40, width - 17);
  const rows = risks
    .filter(({ findings, tier }) => tier !== "safe" || findings.some((finding) => finding.tier !== "safe"))
    .map(({ findings, tier, file }) => {
      const shown = describe(findings.filter((finding) => finding.tier !== "safe"));
      const lines = [
        ...wrapText(nameOf(file), text - 2).map(paint.bold),
        ...shown.flatMap((line) => wrapText(line, text - 2)),
      ];
      return [[colour[tier](tier)], lines];
    });
  const counts = (["safe", "risky", "dangerous"] as const).map(
    (tier) => `${marks[tier]} ${risks.filter((risk) => risk.tier === tier).length} ${tier}`,
  );
  const unknowns = new Set(risks.flatMap((risk) => risk.unknowns)).size;
  const unsaid =
    unknowns === 0
      ? ""
      : `\nNot known without the database: ${unknowns} ${unknowns === 1 ? "thing" : "things"} (--json lists them).`;
  const table = terminalTable({
    head: ["tier", "migration"],
    widths: [12, text],
    rows,
    separated: true,
    headStyle: colours ? ["bold"] : [],
  });
  return `${rows.length > 0 ? `${table}\n` : ""}${counts.join("  ")}${unsaid}`;
}

/** The safer way is said once for each rule, after the last of its findings. */
function describe(findings: readonly RiskFinding[]): string[] {
  return findings.map(({ rule, line, message, safer, ignored }, at) => {
    const again = findings.slice(at + 1).some((later) => later.rule === rule && later.safer === safer);
    const end = ignored !== undefined ? ` Ignored: ${ignored.reason}` : again ? "" : ` Safer: ${safer}`;
    return `line ${line}, ${rule}: ${message}${end}`;
  });
}

/** The migration's name, which is its folder's. */
function nameOf(file: string): string {
  const parts = file.split("/");
  return parts.at(-1) === "migration.sql" ? (parts.at(-2) ?? file) : file;
}
