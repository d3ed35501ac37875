import Table from "cli-table3";
import pc from "picocolors";
import type { History, RunLine } from "../../pipeline/report/history.js";
import type { Standing } from "../../pipeline/report/verdict.js";
import { bytes, moment, percent, span } from "../../pipeline/report/words.js";

type Colours = ReturnType<typeof pc.createColors>;

const painted: Readonly<Record<Standing, keyof Pick<Colours, "green" | "yellow" | "red" | "dim">>> = {
  verified: "green",
  warnings: "green",
  refused: "yellow",
  unchanged: "yellow",
  changed: "red",
  restored: "yellow",
  "under way": "dim",
};

/** The runs and the aims for a terminal. @param most how many runs, the newest. */
export function describeHistory(history: History, most: number, colours: Colours): string {
  const { environment, runs, aims, newestBackup, at, backups } = history;
  if (runs.length === 0) return `${environment} has no run in its store yet.\n`;
  const shown = runs.slice(0, most);
  const table = new Table({
    head: ["run", "ended", "began (UTC)", "took", "aim", "applied", "refused for", "database", "backup"],
    colAligns: ["left", "left", "left", "right", "left", "right", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
  });
  for (const run of shown) table.push(line(run, colours));
  const more = runs.length > most ? `… and ${runs.length - most} older runs; --all shows them\n` : "";
  const share = (part: number, of: number) => (of === 0 ? "none" : `${percent(part / of)} (${part} of ${of})`);
  const met = aims.availabilityMet ? colours.green("met") : colours.red("missed");
  const facts: [string, string][] = [
    ["verified", `${share(aims.verified, aims.ended)}; ${aims.refused} refused before they touched anything`],
    ["within the time aimed at", share(aims.withinTarget, aims.withTarget)],
    [
      "availability",
      `${percent(aims.availability)} of ${aims.days} days, aim ${aims.availabilityTargetPercent} %: ${met}; ${span(aims.refusedMs)} without service`,
    ],
    [
      "newest backup",
      newestBackup === undefined ? colours.red("none") : `${span(at - newestBackup)} old; ${backups} complete`,
    ],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  const aimed = facts.map(([name, text]) => `${name.padEnd(width)}  ${text}\n`).join("");
  const newest = runs.find(({ page }) => page !== undefined)?.page;
  const link = newest === undefined ? "" : `\nThe newest report: ${newest}\n`;
  const text = `${table.toString()}\n${more}\nThe last ${aims.days} days of ${environment}\n${aimed}${link}`;
  // Spaces that a line is not broken at are of no use here, and are not found by who searches.
  return text.replace(/[\u00a0\u202f]/g, " ");
}

function line(run: RunLine, colours: Colours): string[] {
  return [
    run.run,
    colours[painted[run.standing]](run.title),
    moment(run.started).slice(0, 16),
    span(run.durationMs),
    run.withinTarget === undefined ? "" : run.withinTarget ? "within" : colours.red("over"),
    run.applied === undefined ? "" : String(run.applied),
    run.refusedMs === undefined ? "" : span(run.refusedMs),
    run.databaseBytes === undefined ? "" : bytes(run.databaseBytes),
    run.backupBytes === undefined ? "" : bytes(run.backupBytes),
  ];
}
