import type { RunEvidence } from "../evidence.js";
import { number } from "../words.js";
import { type Markup, html, section, table } from "./markup.js";

/** What was looked at after the migrations, and what was found; the warnings of preflight. */
export function findings({ results: { verify, preflight } }: RunEvidence): Markup | undefined {
  const warnings = preflight?.warnings ?? [];
  if (verify === undefined && warnings.length === 0) return undefined;
  return section(
    "checks",
    "Checks",
    ...(verify === undefined ? [] : verified(verify)),
    warnings.length === 0
      ? undefined
      : html`<h3>Warnings before the run</h3>
          <ul>
            ${warnings.map((warning) => html`<li>${warning}</li> `)}
          </ul>`,
  );
}

function verified({ findings: found, health, relations }: NonNullable<RunEvidence["results"]["verify"]>): Markup[] {
  const { status, tables, ...counts } = health;
  const figures = Object.entries(counts).map(
    ([name, value]) => `${name} ${typeof value === "number" ? number(value) : value}`,
  );
  return [
    html`<p>
      Health: <span class="${status === "healthy" ? "good" : "bad"}">${status}</span>; ${number(tables)}
      tables${figures.length === 0 ? "" : `; ${figures.join(", ")}`}.
    </p>`,
    found.length === 0
      ? html`<p>
          Looked at and in order: migration history, drift, ${number(relations)} relations, indexes, constraints,
          sequences, the application’s own checks.
        </p>`
      : table(
          "Findings",
          [{ head: "Check" }, { head: "Severity" }, { head: "What was found" }, { head: "Remedy" }],
          found.map(({ check, severity, message, remedy }) => [
            check,
            html`<span class="tag ${severity === "error" ? "bad" : "warn"}">${severity}</span>`,
            message,
            remedy,
          ]),
        ),
  ];
}
