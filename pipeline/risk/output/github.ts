import type { FileRisk, RiskFinding, Tier } from "../types.js";

/** Workflow commands of GitHub Actions: https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
export function renderGithub(risks: readonly FileRisk[]): string {
  return risks.flatMap(({ file, findings }) => findings.map((finding) => annotation(file, finding))).join("\n");
}

const levels: Readonly<Record<Tier, string>> = { safe: "notice", risky: "warning", dangerous: "error" };

function annotation(file: string, { rule, tier, line, message, safer, ignored }: RiskFinding): string {
  const level = ignored === undefined ? levels[tier] : "notice";
  const text = ignored === undefined ? `${message}\nSafer: ${safer}` : `${message}\nIgnored: ${ignored.reason}`;
  return `::${level} file=${property(file)},line=${line},title=${property(`${tier}: ${rule}`)}::${data(text)}`;
}

function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
