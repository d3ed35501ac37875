import type { Availability, Measured } from "../../contracts.js";
import { describeAvailability } from "../../probe/availability.js";
import type { LogLine, RunEvidence } from "../evidence.js";
import { measuredIn } from "../served.js";
import { number, percent, span } from "../words.js";
import { type Markup, html, section, table } from "./markup.js";
import { answersPlot } from "./plot.js";

/** What the application met while migrations were applied or taken back, also where that failed, and who was in the way. */
export function availability(evidence: RunEvidence): Markup | undefined {
  const parts = measuredIn(evidence);
  const blockers = waitedFor(evidence);
  if (parts.length === 0 && blockers.length === 0) return undefined;
  const headed = parts.some(({ during }) => during === "rollback");
  return section(
    "availability",
    "Availability",
    ...parts.flatMap(({ during, availability: seen }) => [
      headed ? html`<h3>${capital(whiles[during])}</h3>` : undefined,
      ...measured(seen, during),
    ]),
    blockers.length === 0
      ? undefined
      : html`<h3>Locks that were in the way</h3>
          <ul>
            ${blockers.map(({ message, blockedBy }) => html`<li>${message}: ${blockedBy}</li> `)}
          </ul>`,
  );
}

/** How many targets are shown at once. */
const openly = 6;

const whiles: Readonly<Record<Measured["during"], string>> = {
  migrate: "while the migrations were applied",
  rollback: "while they were taken back",
};

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function measured(seen: Availability, during: Measured["during"]): (Markup | undefined)[] {
  const { series, refusedAfterMs, targets, tablesLeftOut } = seen;
  const said = describeAvailability(seen);
  return [
    html`<p>${said}.</p>`,
    series === undefined
      ? undefined
      : html`<figure>
          ${answersPlot(series, refusedAfterMs, { id: during, title: `Slowest answers ${whiles[during]}`, text: said })}
          <figcaption>
            The slowest answer of each ${span(series.everyMs)}. Above the dashed line, ${span(refusedAfterMs)}, it
            counts as refused.
          </figcaption>
        </figure>`,
    byTarget("Probes by target, the worst first", targets.slice(0, openly)),
    targets.length > openly
      ? html`<details>
          <summary>${targets.length - openly} more probes</summary>
          ${byTarget("Further probes by target", targets.slice(openly))}
        </details>`
      : undefined,
    tablesLeftOut === 0
      ? undefined
      : html`<p class="quiet">${tablesLeftOut} touched tables were not probed: the biggest were.</p>`,
  ];
}

function byTarget(caption: string, targets: Availability["targets"]): Markup {
  return table(
    caption,
    [
      { head: "Probe" },
      { head: "Requests", kind: "figure" },
      { head: "Served", kind: "figure" },
      { head: "Slowest", kind: "figure" },
      { head: "Longest without service", kind: "figure" },
    ],
    targets.map(({ target, requests, refused, slowestMs, longestRefusedMs }) => [
      target,
      number(requests),
      requests === 0 ? "–" : percent(1 - refused / requests),
      span(slowestMs),
      longestRefusedMs === 0 ? "–" : span(longestRefusedMs),
    ]),
  );
}

/** The log's lines that name sessions in the way. */
function waitedFor({ stages }: RunEvidence): { message: string; blockedBy: string }[] {
  return stages.flatMap(({ log }) =>
    log.flatMap(({ message, ...fields }: LogLine) => {
      const { blockedBy } = fields;
      return typeof blockedBy === "string" && blockedBy !== "" ? [{ message, blockedBy }] : [];
    }),
  );
}
