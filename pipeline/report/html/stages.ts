import type { StageEvidence } from "../evidence.js";
import { type Aimed, againstTarget, spanOfRun } from "../target.js";
import { moment, percent, span } from "../words.js";
import { type Column, type Markup, html, section, table } from "./markup.js";

/** When each stage ran, as bars on the run's own time, against what is aimed at. */
export function stages(evidence: Aimed): Markup | undefined {
  if (evidence.stages.length === 0) return undefined;
  const run = spanOfRun(evidence);
  const whole = evidence.stages.every(({ error }) => error === undefined);
  const target = whole ? againstTarget(evidence) : undefined;
  const aim =
    target === undefined
      ? undefined
      : html`<p>
          ${span(run.ms)} are
          <span class="${target.met ? "good" : "bad"}"
            >${percent(run.ms / target.targetMs)} of the ${span(target.targetMs)}</span
          >
          that is aimed at for ${target.kind} migrations.
        </p>`;
  const rows = evidence.stages.map((stage) => [
    stage.name,
    outcome(stage),
    moment(stage.started).slice(11),
    span(stage.durationMs),
    bar(stage, run),
  ]);
  const columns: Column[] = [
    { head: "Stage" },
    { head: "Outcome" },
    { head: "Began", kind: "figure" },
    { head: "Took", kind: "figure" },
    { head: "On the run’s time", kind: "track" },
  ];
  return section("stages", "Stages", aim, table("Stages of the run, in order", columns, rows));
}

function outcome({ error }: StageEvidence): Markup {
  if (error === undefined) return html`<span class="good">done</span>`;
  const refused = isRefusal(error);
  return html`<span class="${refused ? "warn" : "bad"}"
      >${refused ? "refused" : error.kind === "interrupted" ? "stopped" : error.wentBack === true ? "failed, taken back" : "failed"}</span
    >
    <code>${error.code}</code>`;
}

function bar(stage: StageEvidence, run: { started: number; ms: number }): Markup {
  const share = (ms: number) => `${((100 * ms) / Math.max(1, run.ms)).toFixed(2)}%`;
  const kind = stage.error === undefined ? "" : isRefusal(stage.error) ? "refused" : "failed";
  return html`<span
    class="${kind}"
    style="--from:${share(stage.started - run.started)};--size:${share(stage.durationMs)}"
  ></span>`;
}

function isRefusal({ kind }: NonNullable<StageEvidence["error"]>): boolean {
  return kind === "refused" || kind === "usage";
}
