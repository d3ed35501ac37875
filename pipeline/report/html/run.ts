import { type Aimed, againstTarget, spanOfRun } from "../target.js";
import { type Verdict, verdictOf } from "../verdict.js";
import { moment, span } from "../words.js";
import { availability } from "./availability.js";
import { data } from "./data.js";
import { figures } from "./figures.js";
import { findings } from "./findings.js";
import { type Markup, html } from "./markup.js";
import { migrations } from "./migrations.js";
import { page } from "./page.js";
import { files, logs, notes } from "./records.js";
import { rehearsal } from "./rehearsal.js";
import { stages } from "./stages.js";
import { statements } from "./statements.js";
import { tones } from "./tones.js";

/** The report of a run as one page that needs nothing else: the verdict first, then what it rests on. */
export function renderRunPage(evidence: Aimed): string {
  const { environment, run } = evidence;
  const verdict = verdictOf(evidence);
  const { started } = spanOfRun(evidence);
  const header = html`<p class="where">
      <b>${environment}</b> · run ${run} ·
      <time datetime="${new Date(started).toISOString()}">${moment(started)} UTC</time>
    </p>
    <div class="verdict ${tones[verdict.standing]}">
      <h1>${verdict.title}</h1>
      ${explained(verdict)}
    </div>
    ${figures(evidence)}`;
  const body = html`${[
    stages(evidence),
    migrations(evidence),
    rehearsal(evidence),
    availability(evidence),
    data(evidence),
    statements(evidence),
    findings(evidence),
    notes(evidence),
    logs(evidence),
    files(evidence),
  ]}`;
  return page(`${verdict.title}: ${environment}, run ${run}`, header, body, footer(evidence));
}

function explained({ text, failure, earlier }: Verdict): Markup {
  if (failure === undefined) {
    return html`<p class="lead">${text}</p>
      ${
        earlier === undefined
          ? undefined
          : html`<p><b>What had failed.</b></p>
              <pre>${earlier.failure.message}</pre>`
      }`;
  }
  const [first = "", ...rest] = text.split("\n");
  return html`<p class="lead">${first}</p>
    ${rest.length === 0 ? undefined : html`<pre>${rest.join("\n")}</pre>`}
    <div class="next">
      <p><b>State.</b> ${failure.state}</p>
      <p><b>Next.</b></p>
      <pre>${failure.next}</pre>
    </div> `;
}

function footer(evidence: Aimed): Markup {
  const target = againstTarget(evidence);
  const aim =
    target === undefined
      ? ""
      : ` The aim for ${target.kind === "simple" ? "simple migrations (all of them safe)" : "complex migrations (one of them risky or dangerous)"} is ${span(target.targetMs)}.`;
  return html`<p>
    Times are UTC. A run lasts from the beginning of its first stage to the end of its last.${aim} This page fetches
    nothing; what it says is in the files beside it.
  </p> `;
}
