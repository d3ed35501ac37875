import { appliedIn } from "../applied.js";
import type { RunEvidence } from "../evidence.js";
import { servedIn } from "../served.js";
import { type Aimed, againstTarget, spanOfRun } from "../target.js";
import { bytes, number, percent, span } from "../words.js";
import { type Markup, html } from "./markup.js";

/** The few figures that are asked for first. */
export function figures(evidence: Aimed): Markup {
  const shown = [duration(evidence), downtime(evidence), applied(evidence), rows(evidence), backup(evidence)];
  return html`<dl class="figures">${shown}</dl> `;
}

function figure(id: string, label: string, value: string, note: Markup | string): Markup {
  return html`<div>
    <dt>${label}</dt>
    <dd class="big" id="figure-${id}">${value}</dd>
    <dd class="small">${note}</dd>
  </div> `;
}

function duration(evidence: Aimed): Markup | undefined {
  if (evidence.stages.length === 0) return undefined;
  const { ms } = spanOfRun(evidence);
  const target = againstTarget(evidence);
  const failed = evidence.stages.find(({ error }) => error !== undefined);
  if (failed !== undefined)
    return figure("duration", "Whole run", span(ms), `with ${failed.name}, which failed or refused`);
  if (target === undefined) return figure("duration", "Whole run", span(ms), "no aim: nothing was pending");
  const note = target.met
    ? html`<span class="good">within the aim of ${span(target.targetMs)}</span>`
    : html`<span class="bad">over the aim of ${span(target.targetMs)}</span>`;
  return figure("duration", "Whole run", span(ms), note);
}

function downtime(evidence: RunEvidence): Markup | undefined {
  const seen = servedIn(evidence);
  if (seen === undefined) {
    return evidence.results.migrate === undefined
      ? undefined
      : figure("downtime", "Without service", "–", "not measured: no table in use was touched");
  }
  const served = seen.requests === 0 ? 1 : 1 - seen.refused / seen.requests;
  return figure(
    "downtime",
    "Without service",
    span(seen.refusedMs),
    html`<span class="${seen.withinBudget ? "good" : "bad"}">of ${span(seen.budgetMs)} allowed</span
      >${seen.refusedMs === 0 ? undefined : html`, at most ${span(seen.longestRefusedMs)} at once`}; ${percent(served)}
      of ${number(seen.requests)} probes served`,
  );
}

function applied(evidence: RunEvidence): Markup | undefined {
  const { migrate, preflight, restore } = evidence.results;
  const done = [...appliedIn(evidence).values()];
  if (migrate !== undefined) {
    const ms = done.reduce((sum, one) => sum + one.durationMs, 0);
    return figure(
      "applied",
      "Migrations",
      number(done.length),
      done.length === 0 ? "none was pending" : `applied in ${span(ms)}`,
    );
  }
  if (preflight === undefined) return undefined;
  const undone = done.length > 0 && restore !== undefined ? "; undone by the restore" : "";
  return figure(
    "applied",
    "Migrations",
    number(done.length),
    `of ${number(preflight.pending.length)} pending applied${undone}`,
  );
}

function rows({ manifest, results: { backup } }: RunEvidence): Markup | undefined {
  const tables = manifest?.fingerprints.tables.length ?? backup?.tables;
  const total = backup?.rows;
  if (total === undefined || tables === undefined) return undefined;
  return figure("rows", "Rows before", number(total), `in ${number(tables)} tables, each fingerprinted`);
}

function backup({ results: { backup: made, rehearse } }: RunEvidence): Markup | undefined {
  if (made === undefined) return undefined;
  const proved = rehearse?.verdict === "proved";
  const note = proved ? html`<span class="good">restored once, and equal</span>` : "complete; not restored in this run";
  return figure("backup", "Backup", bytes(made.bytes), note);
}
