import type { RiskSummary } from "../contracts.js";
import { signs } from "./describe.js";

/**
 * The risk of the pending migrations as Markdown: for the run's report, and for a comment on a pull request.
 *
 * @param commands what to run for those that are refused; empty where nothing is.
 */
export function renderRisks(risks: readonly RiskSummary[], commands = ""): string {
  if (risks.length === 0) return "No pending migration is above safe.";
  const refused = risks.filter(({ verdict }) => verdict === "refused");
  const verdict =
    refused.length === 0
      ? "Every migration is let through."
      : `**${refused.length} of these migrations ${refused.length === 1 ? "is" : "are"} not let through.**`;
  const approve =
    commands === ""
      ? []
      : [`Where the risk is known and accepted, approve this version of the file:\n\n\`\`\`bash\n${commands}\n\`\`\``];
  return [verdict, ...risks.map(renderOne), ...approve].join("\n\n");
}

function renderOne({ migration, tier, why, ...risk }: RiskSummary): string {
  const rows = risk.findings.map(({ line, tier: own, rule, message, safer, ignored }) =>
    [line, `${signs[own]} ${own}`, rule, `${message}${ignored === undefined ? "" : ` (ignored: ${ignored})`}`, safer]
      .map(cell)
      .join(" | "),
  );
  const table = ["line | tier | rule | what it does | safer", "--- | --- | --- | --- | ---", ...rows];
  const notes = [
    ...(risk.omitted > 0 ? [`${risk.omitted} more findings are left out`] : []),
    ...risk.evidence.map((text) => `database: ${text}`),
    ...risk.prismaWarnings.map((text) => `Prisma: ${text}`),
    ...risk.unknowns.map((text) => `not known: ${text}`),
  ];
  return [
    `### ${signs[tier]} ${text(migration)}: ${tier}\n\n${text(capitalised(why))}.`,
    ...(rows.length === 0 ? [] : [table.map((row) => `| ${row} |`).join("\n")]),
    ...(notes.length === 0 ? [] : [notes.map((note) => `- ${text(note)}`).join("\n")]),
  ].join("\n\n");
}

function capitalised(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A cell's text: in a table, a line break and a bar would end the cell. */
function cell(value: string | number): string {
  return text(String(value)).replace(/\|/g, "\\|");
}

/** Names and reasons are anybody's: as text they must make no HTML, link, mention or line of their own. */
function text(value: string): string {
  return value
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/([\\`*[\]])/g, "\\$1")
    .replace(/(^|[^\w])_|_(?=[^\w]|$)/g, "$1\\_")
    .replace(/@(?=\w)/g, "@\u200b")
    .replace(/\s*\r?\n\s*/g, " ");
}
