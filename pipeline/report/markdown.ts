import type {
  Availability,
  BackupResult,
  RehearseResult,
  VerifyRequest,
  VerifyResult,
  WindowRecord,
} from "../contracts.js";
import { renderRisks } from "../gate/markdown.js";
import { describeAvailability } from "../probe/availability.js";
import { describeWayBack } from "../rehearsal/describeBack.js";
import { cell, section, stagesSection, table } from "./markdownParts.js";
import { againstTarget } from "./target.js";

/** The run's report for people, as Markdown: verdict first. */
export function renderReport(request: VerifyRequest, result: VerifyResult): string {
  const { backup, migrate, preflight, rehearsal } = request;
  const errors = result.findings.filter(({ severity }) => severity === "error");
  const sections = [
    `# ${errors.length === 0 ? "Verified" : "Not verified"}: ${result.environment}, run ${result.run}`,
    errors.length === 0
      ? `The database has the ${result.migrations.length} migrations of the folder, no drift, and no row that points at nothing.`
      : `${errors.length} finding(s) are errors; see below.`,
    stagesOf(request, result),
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
              ...describePhysical(backup),
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

/** Those of the run up to this one, which is still at its last step. */
function stagesOf({ preflight, backup, rehearsal, migrate, settings }: VerifyRequest, result: VerifyResult): string {
  const done = [preflight, backup, rehearsal, migrate, result].flatMap((one) => (one === undefined ? [] : [one]));
  const stages = done.map(({ stage, at, durationMs }) => ({
    name: stage,
    started: Date.parse(at),
    durationMs,
    outcome: stage === "verify" && result.findings.some(({ severity }) => severity === "error") ? "failed" : "done",
    log: [],
  }));
  const results = preflight === undefined ? {} : { preflight };
  return stagesSection(stages, againstTarget({ stages, results, targets: settings.targets }));
}

/** Of a backup that is no dump: how it comes back. */
function describePhysical({ physical, dbSnapshot }: BackupResult): [string, string][] {
  if (dbSnapshot !== undefined)
    return [
      ["DB snapshot beside it", `${dbSnapshot.identifier} of instance ${dbSnapshot.instance} (${dbSnapshot.taken})`],
    ];
  if (physical === undefined) return [];
  const { unlogged } = physical;
  const made =
    physical.method === "snapshot"
      ? `DB snapshot ${physical.identifier} of instance ${physical.instance} (${physical.taken})`
      : `${physical.method}: base backup ${physical.base}, and the log to restore point ${physical.restorePoint.name} (${physical.restorePoint.at})`;
  return [
    ["made by", made],
    ...(unlogged.length === 0 ? [] : [["without the rows of", unlogged.join(", ")] satisfies [string, string]]),
  ];
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
