import type { RunEvidence } from "../evidence.js";
import { againstTarget, spanOfRun } from "../target.js";
import { bytes, number, percent, span } from "../words.js";
import { type Markup, html } from "./markup.js";

/** The few figures that are asked for first. */
export function figures(evidence: RunEvidence): Markup {
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

function duration(evidence: RunEvidence): Markup | undefined {
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

function downtime({ results: { migrate } }: RunEvidence): Markup | undefined {
  const seen = migrate?.availability;
  if (seen === undefined) {
    return migrate === undefined
      ? undefined
      : figure("downtime", "Without service", "–", "not measured: no table in use was touched");
  }
  const served = seen.requests === 0 ? 1 : 1 - seen.refused / seen.requests;
  return figure(
    "downtime",
    "Without service",
    span(seen.refusedMs),
    html`<span class="${seen.refusedMs > seen.budgetMs ? "bad" : "good"}">of ${span(seen.budgetMs)} allowed</span>;
      ${percent(served)} of ${number(seen.requests)} probes served`,
  );
}

function applied({ results: { migrate, preflight } }: RunEvidence): Markup | undefined {
  const pending = preflight?.pending.length;
  if (migrate !== undefined) {
    const ms = migrate.applied.reduce((sum, one) => sum + one.durationMs, 0);
    const note = migrate.applied.length === 0 ? "none was pending" : `applied in ${span(ms)}`;
    return figure("applied", "Migrations", number(migrate.applied.length), note);
  }
  return pending === undefined
    ? undefined
    : figure("applied", "Migrations", "0", `of ${number(pending)} pending applied`);
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
