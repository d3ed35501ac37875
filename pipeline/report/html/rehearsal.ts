import type { RunEvidence } from "../evidence.js";
import { bytes, number, span } from "../words.js";
import { type Markup, html, section, table } from "./markup.js";

/** What was proved on a copy, before the database itself was touched. */
export function rehearsal({ results: { rehearse } }: RunEvidence): Markup | undefined {
  if (rehearse === undefined) return undefined;
  const { restored, verdict, summary } = rehearse;
  const tag =
    verdict === "skipped"
      ? html`<span class="tag warn">not rehearsed</span>`
      : html`<span class="tag good">${verdict}</span>`;
  return section(
    "rehearsal",
    "Rehearsal",
    html`<p>${tag} ${summary}</p>`,
    restored === undefined
      ? undefined
      : table(
          "The copy that the backup was restored to",
          [
            { head: "Copy of" },
            { head: "Tables", kind: "figure" },
            { head: "Rows", kind: "figure" },
            { head: "Size", kind: "figure" },
            { head: "Took", kind: "figure" },
          ],
          [
            [
              "the backup",
              number(restored.tables),
              number(restored.rows),
              bytes(restored.bytes),
              span(restored.durationMs),
            ],
          ],
        ),
  );
}
