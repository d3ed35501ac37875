import type { RehearsedMigration } from "../../contracts.js";
import { describeWayBack } from "../../rehearsal/describeBack.js";
import { describeRaise } from "../../rehearsal/evidence.js";
import type { RunEvidence } from "../evidence.js";
import { bytes, number, span } from "../words.js";
import { type Markup, html, section, table } from "./markup.js";

/** What was proved on a copy, before the database itself was touched. */
export function rehearsal({ results: { rehearse, migrate } }: RunEvidence): Markup | undefined {
  if (rehearse === undefined) return undefined;
  const { verdict, summary } = rehearse;
  if (verdict === "skipped")
    return section("rehearsal", "Rehearsal", html`<p><span class="tag warn">not rehearsed</span> ${summary}</p>`);
  const { restored, migrations } = rehearse;
  const real = new Map(migrate?.applied.map(({ name, durationMs }) => [name, durationMs]));
  return section(
    "rehearsal",
    "Rehearsal",
    html`<p><span class="tag good">${verdict}</span> ${summary}</p>`,
    html`<p class="quiet">
      The copy: ${number(restored.tables)} tables, ${number(restored.rows)} rows, ${bytes(restored.bytes)} with indexes,
      restored in ${span(restored.durationMs)}.
    </p>`,
    migrations.length === 0 ? undefined : html`${migrations.map((one) => rehearsed(one))}`,
    migrations.length === 0
      ? undefined
      : table(
          "Time of each migration on the copy and on the database",
          [{ head: "Migration" }, { head: "On the copy", kind: "figure" }, { head: "On the database", kind: "figure" }],
          migrations.map(({ name, durationMs }) => {
            const took = real.get(name);
            return [name, span(durationMs), took === undefined ? "–" : span(took)];
          }),
        ),
  );
}

/** What one did there, and whether it was taken back. */
function rehearsed(migration: RehearsedMigration): Markup {
  const { name, changes, rewrites, locks, unused, notCommitted, evidence } = migration;
  const said = [
    ...riskOf(evidence),
    ...(notCommitted === undefined ? [] : [`Not committed on the copy: ${notCommitted.reason}`]),
    ...changes.map((text) => `Declared and done: ${text}`),
    ...rewrites.map((text) => `Wrote anew: ${text}`),
    ...locks.map((text) => `Held a lock that others wait for: ${text}${longest(evidence, text)}`),
    ...unused.map((text) => `Declared, and not done on this data: ${text}`),
    describeWayBack(migration),
  ];
  return html`<article>
    <h3>${name}</h3>
    <ul>
      ${said.map((text) => html`<li>${text}</li> `)}
    </ul>
  </article> `;
}

/** How its risk by what was measured stands to what was asked for before; nothing where that was confirmed. */
function riskOf(evidence: RehearsedMigration["evidence"]): string[] {
  if (evidence === undefined || evidence.verdict === "confirmed") return [];
  const { asked, tier, verdict, raises, disproved } = evidence;
  const why = [...raises.map(describeRaise), ...disproved].join("; ");
  return [`Risk ${verdict} from ${asked} to ${tier}: ${why}`];
}

function longest(evidence: RehearsedMigration["evidence"], lock: string): string {
  const held = (evidence?.statements ?? []).filter(({ locks }) => locks.includes(lock)).map(({ heldMs }) => heldMs);
  return held.length === 0 ? "" : `, for ${span(Math.max(...held))}`;
}
