import type { Availability, RehearseResult, VerifyRequest, VerifyResult, WindowRecord } from "../contracts.js";
import { renderRisks } from "../gate/markdown.js";
import { describeAvailability } from "../probe/availability.js";
import { describeWayBack } from "../rehearsal/describeBack.js";

/** The run's report for people, as Markdown: verdict first. */
export function renderReport(request: VerifyRequest, result: VerifyResult): string {
  const { backup, migrate, preflight, rehearsal } = request;
  const errors = result.findings.filter(({ severity }) => severity === "error");
  const sections = [
    `# ${errors.length === 0 ? "Verified" : "Not verified"}: ${result.environment}, run ${result.run}`,
    errors.length === 0
      ? `The database has the ${result.migrations.length} migrations of the folder, no drift, and no row that points at nothing.`
      : `${errors.length} finding(s) are errors; see below.`,
    section("Health", table(["", ""], Object.entries(result.health))),
    backup === undefined
      ? ""
      : section(
          "Backup",
          table(
            ["", ""],
            [
              ["id", backup.id],
              ["place", backup.location],
              ["tables", backup.tables],
              ["rows", backup.rows],
              ["bytes", backup.bytes],
              ["manifest SHA-256", backup.manifestSha256],
            ],
          ),
        ),
    rehearsal === undefined ? "" : section("Rehearsal", renderRehearsal(rehearsal)),
    migrate === undefined
      ? ""
      : section(
          "Applied by this run",
          migrate.applied.length === 0
            ? "None was pending."
            : table(
                ["migration", "ms", "attempts", "SHA-256"],
                migrate.applied.map(({ name, durationMs, attempts, checksum }) => [
                  name,
                  durationMs,
                  attempts,
                  checksum,
                ]),
              ),
        ),
    preflight?.window === undefined ? "" : section("Maintenance window", describeWindowRecord(preflight.window)),
    migrate?.availability === undefined
      ? ""
      : section("Availability while migrating", renderAvailability(migrate.availability)),
    preflight?.risks === undefined ? "" : section("Risk of the migrations", renderRisks(preflight.risks)),
    section(
      "Findings",
      result.findings.length === 0
        ? "None."
        : table(
            ["check", "severity", "what", "remedy"],
            result.findings.map(({ check, severity, message, remedy }) => [check, severity, message, remedy]),
          ),
    ),
    section("Rows", table(["model", "rows"], Object.entries(result.counts))),
    section(
      "Migrations",
      table(
        ["migration", "SHA-256"],
        result.migrations.map(({ name, checksum }) => [name, checksum]),
      ),
    ),
  ];
  return `${sections.filter((text) => text !== "").join("\n\n")}\n`;
}

function renderRehearsal(rehearsal: RehearseResult): string {
  const told = `${rehearsal.verdict}: ${rehearsal.summary}`;
  if (rehearsal.verdict === "skipped" || rehearsal.migrations.length === 0) return told;
  const rows = rehearsal.migrations.map((one) => [one.name, one.durationMs, describeWayBack(one)]);
  return `${told}\n\n${table(["migration", "ms on the copy", "way back"], rows)}`;
}

function describeWindowRecord({ note, override, transactionsPerSecond }: WindowRecord): string {
  const said = `${note.charAt(0).toUpperCase()}${note.slice(1)}.`;
  const traffic = transactionsPerSecond === undefined ? "" : ` ${transactionsPerSecond} transactions a second.`;
  if (override === undefined) return `${said}${traffic}`;
  return `${said}${traffic}\n\n**Run nevertheless**, on the word of ${cell(override.by)} (${override.at}): ${cell(override.reason)}`;
}

function renderAvailability(seen: Availability): string {
  const { refusedMs, budgetMs, refusedAfterMs, targets, tablesLeftOut } = seen;
  return [
    `${describeAvailability(seen)}. Budget: ${refusedMs} of ${budgetMs} ms. Refused: no answer within ${refusedAfterMs} ms.`,
    ...(tablesLeftOut === 0 ? [] : [`${tablesLeftOut} touched table(s) were not probed.`]),
    table(
      ["target", "requests", "refused", "slowest, ms", "longest without service, ms"],
      targets.map(({ target, requests, refused, slowestMs, longestRefusedMs }) => [
        target,
        requests,
        refused,
        slowestMs,
        longestRefusedMs,
      ]),
    ),
  ].join("\n\n");
}

function section(title: string, body: string): string {
  return `## ${title}\n\n${body}`;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** A cell's text: in a table, a line break and a bar would end the cell. */
function cell(value: string | number): string {
  return String(value).replace(/\|/g, "\\|").replace(/\n/g, "<br>");
}
