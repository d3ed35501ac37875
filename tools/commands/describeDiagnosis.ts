import Table from "cli-table3";
import {
  type DiagnoseResult,
  type Finding,
  type RepairResult,
  diagnoseResult,
  repairResult,
} from "../../pipeline/contracts.js";

/** What was found, as a table: errors first. `undefined` for another result. */
export function describeDiagnosis(result: unknown): string | undefined {
  const parsed = diagnoseResult.safeParse(result);
  return parsed.success ? diagnosis(parsed.data) : undefined;
}

/** The plan of a repair, or what became of it. `undefined` for another result. */
export function describeRepair(result: unknown): string | undefined {
  const parsed = repairResult.safeParse(result);
  return parsed.success ? repaired(parsed.data) : undefined;
}

function diagnosis({ findings, errors, warnings, looked }: DiagnoseResult): string {
  const saw = `Looked at: ${looked.join(", ")}.\n`;
  if (findings.length === 0) return `Nothing is wrong.\n${saw}`;
  const mendable = findings.filter(({ repair }) => repair !== undefined).length;
  const next =
    mendable === 0 ? "" : `${mendable} of them can be mended by npm run db:repair, which shows what it would do.\n`;
  return `${findingsTable(findings)}\n${errors} error(s), ${warnings} warning(s). ${saw}${next}`;
}

function findingsTable(findings: readonly Finding[]): string {
  const width = Math.max(80, Math.min(process.stdout.columns || 140, 180));
  const rest = width - 9 - 26 - 4 - 9;
  const table = new Table({
    head: ["", "check", "what", "remedy"],
    colWidths: [9, 26, Math.ceil(rest * 0.5), Math.floor(rest * 0.5)],
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  });
  table.push(...findings.map(({ severity, check, message, remedy }) => [severity, check, message, remedy]));
  return table.toString();
}

function repaired({ applied, steps, left, backup }: RepairResult): string {
  const lines = steps.flatMap(({ what, message, statements, outcome, reason, undo }) => [
    `${outcome}: ${what}`,
    `  because: ${message}`,
    ...(reason === undefined ? [] : [`  failed, and left as it was: ${reason}`]),
    ...(applied ? [] : statements.map((statement) => `    ${statement};`)),
    ...(undo === undefined ? [] : [`  to take it back: ${undo}`]),
    "",
  ]);
  const head = steps.length === 0 ? ["There is nothing that a program can mend.", ""] : [];
  const rest =
    left.length === 0
      ? [applied ? "Nothing is left." : ""]
      : [applied ? "Left:" : "For a person to mend:", findingsTable(left)];
  const next = applied
    ? [`Backup ${backup ?? "–"} holds the state before.`]
    : steps.length > 0
      ? ["Nothing was changed. To do it: npm run db:repair -- --apply"]
      : [];
  return `${[...head, ...lines, ...rest, ...next].filter((line, at, all) => line !== "" || all[at - 1] !== "").join("\n")}\n`;
}
