import Table from "cli-table3";
import type { RiskReport } from "./judge.js";

/** The report for people. */
export function renderRiskBench(report: RiskReport): string {
  const { seconds, files, tiers, flagged } = report;
  const share = (count: number | undefined) => (count === undefined ? "–" : `${((100 * count) / files).toFixed(0)} %`);
  const time = new Table({ head: ["", "safe-migration", "squawk"], style: { head: [], border: [] } });
  time.push(
    [
      `${files} files, one process`,
      `${seconds.ours.toFixed(2)} s`,
      seconds.squawk === undefined ? "–" : `${seconds.squawk.toFixed(2)} s`,
    ],
    [
      "one file (Node.js alone)",
      `${(seconds.start * 1000).toFixed(0)} ms (${(seconds.node * 1000).toFixed(0)} ms)`,
      "",
    ],
    ["files flagged", share(flagged.ours), share(flagged.squawk)],
    ["… without rules of style", share(flagged.ours), share(flagged.squawkWithoutStyle)],
  );
  const figures = new Table({
    head: ["effect", "tool", "found", "wrong", "missed", "precision", "recall"],
    style: { head: [], border: [] },
  });
  for (const { effect, tool, hits, wrong, missed, precision, recall } of report.figures) {
    figures.push([effect, tool, hits, wrong.length, missed.length, precision.toFixed(3), recall.toFixed(3)]);
  }
  const only = (rules: Readonly<Record<string, readonly string[]>>) =>
    Object.entries(rules)
      .sort(([, a], [, b]) => b.length - a.length)
      .map(([rule, names]) => `${rule} ${names.length}`)
      .join(", ") || "none";
  return [
    `History ${report.label}: ${files} migrations, of which PostgreSQL applied ${report.applied}. Peak memory ${report.peakMegabytes.toFixed(0)} MB.`,
    ...(seconds.squawk === undefined ? [`squawk could not be run: ${report.squawk}.`] : [`squawk ${report.squawk}.`]),
    time.toString(),
    `Tiers: ${tiers.safe} safe, ${tiers.risky} risky, ${tiers.dangerous} dangerous.`,
    "Held to PostgreSQL (event triggers; pg_locks and table statistics of the transaction), by file:",
    figures.toString(),
    `Called less than what was put into it: ${report.calledTooLow.join(", ") || "none"}.`,
    `Called safe, and PostgreSQL dropped a table or a column: ${report.safeThatDropped.join(", ") || "none"}.`,
    `Files in which only safe-migration finds something, by rule: ${only(report.onlyOurs)}.`,
    `Files in which only squawk does, rules of style left out: ${only(report.onlySquawk)}.`,
  ].join("\n");
}
