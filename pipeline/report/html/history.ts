import type { History, RunLine } from "../history.js";
import { bytes, moment, number, percent, span } from "../words.js";
import { type Markup, html, section, table } from "./markup.js";
import { page } from "./page.js";
import { tones } from "./tones.js";
import { trendPlot } from "./trend.js";

/** The runs of an environment as one page: the aims first, then how figures went over time, then every run. */
export function renderHistoryPage(history: History): string {
  const { environment, at, runs } = history;
  const title = `Migrations of ${environment}`;
  const header = html`<p class="where">
      ${number(runs.length)} runs in the store · as of
      <time datetime="${new Date(at).toISOString()}">${moment(at)} UTC</time>
    </p>
    <h1>${title}</h1>
    ${figures(history)}`;
  const body = html`${[trends(history), every(runs)]}`;
  const footer = html`<p>
    Times are UTC. Availability counts what the probes of migrations met, and nothing else that may have stopped the
    application. Runs that were refused before they touched anything count neither as verified nor as failed.
  </p> `;
  return page(title, header, body, footer);
}

function figures({ aims, newestBackup, at, backups }: History): Markup {
  const tone = (met: boolean) => (met ? "good" : "bad");
  const aim = `${aims.availabilityTargetPercent}\u00a0%`;
  const share = (part: number, of: number) => (of === 0 ? "–" : percent(part / of));
  const shown = [
    figure(
      "verified",
      "Verified",
      share(aims.verified, aims.ended),
      html`${aims.verified} of ${aims.ended} runs; ${aims.refused} refused`,
    ),
    figure(
      "target",
      "Within the time aimed at",
      share(aims.withinTarget, aims.withTarget),
      html`${aims.withinTarget} of ${aims.withTarget} runs that applied something`,
    ),
    figure(
      "availability",
      "Availability",
      percent(aims.availability),
      html`<span class="${tone(aims.availabilityMet)}">aim ${aim}</span>; ${span(aims.refusedMs)} without service`,
    ),
    figure(
      "backup",
      "Newest backup",
      newestBackup === undefined ? "none" : span(at - newestBackup),
      newestBackup === undefined
        ? html`<span class="bad">nothing can be restored</span>`
        : html`old; ${backups} complete ones`,
    ),
  ];
  return html`<p class="quiet">Aims over the last ${aims.days} days</p>
    <dl class="figures">${shown}</dl> `;
}

function figure(id: string, label: string, value: string, note: Markup): Markup {
  return html`<div>
    <dt>${label}</dt>
    <dd class="big" id="figure-${id}">${value}</dd>
    <dd class="small">${note}</dd>
  </div> `;
}

/** Plots of the newest runs, oldest first. */
function trends({ runs, targets }: History): Markup | undefined {
  const shown = runs.slice(0, 60).reverse();
  if (shown.length < 2) return undefined;
  const plot = (
    id: string,
    title: string,
    value: (run: RunLine) => number | undefined,
    show: (value: number) => string,
    aim?: number,
  ) =>
    shown.some((run) => value(run) !== undefined)
      ? html`<figure>
          <figcaption>${title}</figcaption>
          ${trendPlot(
            id,
            title,
            shown.map((run) => {
              const figure = value(run);
              return { label: run.run, tone: tones[run.standing], ...(figure === undefined ? {} : { value: figure }) };
            }),
            show,
            aim,
          )}
        </figure>`
      : undefined;
  return section(
    "trends",
    "Over time",
    html`<p class="quiet">
      ${number(shown.length)} runs, one bar each, from ${day(shown[0])} to ${day(shown.at(-1))}.
      <span class="warn">Yellow</span>: refused, or taken back; <span class="bad">red</span>: failed after changes.
    </p>`,
    plot("duration", "Time of each run", ({ durationMs }) => durationMs, span, 60_000 * targets.simpleMinutes),
    plot("downtime", "Time without service in each run", ({ refusedMs }) => refusedMs, span),
    plot("size", "Size of the database", ({ databaseBytes }) => databaseBytes, bytes),
  );
}

function day(run: RunLine | undefined): string {
  return run === undefined ? "" : moment(run.started).slice(0, 10);
}

function every(runs: readonly RunLine[]): Markup {
  const rows = runs.map((run) => [
    run.page === undefined ? run.run : html`<a href="${run.page}">${run.run}</a>`,
    html`<span class="${tones[run.standing]}">${run.title}</span>`,
    moment(run.started).slice(0, 16),
    span(run.durationMs),
    run.withinTarget === undefined ? "–" : run.withinTarget ? "within" : html`<b class="bad">over</b>`,
    run.applied === undefined ? "–" : number(run.applied),
    run.refusedMs === undefined ? "–" : span(run.refusedMs),
    run.databaseBytes === undefined ? "–" : bytes(run.databaseBytes),
    run.backupBytes === undefined ? "–" : bytes(run.backupBytes),
  ]);
  const figure = (head: string) => ({ head, kind: "figure" }) as const;
  const columns = [
    { head: "Run" },
    { head: "Ended" },
    figure("Began"),
    figure("Took"),
    figure("Aim"),
    figure("Applied"),
    figure("Without service"),
    figure("Database"),
    figure("Backup"),
  ];
  return section(
    "runs",
    "Runs",
    runs.length === 0 ? html`<p>There is none yet.</p>` : table("Every run, the newest first", columns, rows),
  );
}
