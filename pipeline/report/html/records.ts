import type { Manifest } from "../../store/manifest.js";
import type { RunEvidence } from "../evidence.js";
import { type Markup, html, section } from "./markup.js";

/** The last lines of a log that are shown. */
const lastLines = 300;

/** What people noted of the run. */
export function notes(evidence: RunEvidence): Markup | undefined {
  if (evidence.notes.length === 0) return undefined;
  return section(
    "notes",
    "Notes",
    html`<ul>
      ${evidence.notes.map(
        ({ at, by, text }) =>
          html`<li>
            ${text} <span class="quiet">(${by}, <time datetime="${at}">${at.slice(0, 10)}</time>)</span>
          </li> `,
      )}
    </ul>`,
  );
}

/** The stages' logs; that of a stage that failed is open. */
export function logs({ stages }: RunEvidence): Markup | undefined {
  const kept = stages.filter(({ log }) => log.length > 0);
  if (kept.length === 0) return undefined;
  const shown = kept.map(({ name, log: whole, error }) => {
    // What is only of use to who mends this program is in the file.
    const log = whole.filter(({ level }) => level !== "debug");
    const lines = log.slice(-lastLines).map(({ elapsed, level, message }) => {
      return `${elapsed.toFixed(1).padStart(7)} s  ${level === "info" ? "" : `${level}: `}${message}`;
    });
    const left = log.length > lastLines ? `… ${log.length - lastLines} lines before these\n` : "";
    // A refusal is all that its log says, and stands at the top.
    const open = error !== undefined && error.kind !== "refused" && error.kind !== "usage";
    return html`<details${open ? html` open` : undefined}><summary>${name}, ${log.length} lines</summary><pre tabindex="0">${left}${lines.join("\n")}</pre></details>
`;
  });
  return html`<div class="logs">${section("log", "Log", ...shown)}</div>`;
}

/** What the page was made from, beside it. */
export function files({ files: names, manifest }: RunEvidence): Markup {
  const links = names.map((name, at) => html`${at === 0 ? "" : ", "}<a href="${encodeURIComponent(name)}">${name}</a>`);
  return section(
    "evidence",
    "Evidence",
    html`<p>${links}</p>`,
    manifest === undefined ? undefined : html`<p class="quiet">${made(manifest)}</p>`,
  );
}

/** How a backup was made, and of what. */
function made({ identity, tools, physical, files: kept }: Manifest): Markup {
  const of = html`<code>${identity.database}</code>, PostgreSQL ${identity.serverVersion}, system
    ${identity.systemIdentifier}`;
  if (physical === undefined)
    return html`Dumped from ${of}, with pg_dump ${tools?.pgDump ?? "?"}; ${kept.length} files, each with its SHA-256.`;
  const { unlogged } = physical;
  const without = unlogged.length === 0 ? "" : `; without the rows of unlogged tables: ${unlogged.join(", ")}`;
  if (physical.method === "snapshot")
    return html`Kept of ${of}, by RDS: DB snapshot <code>${physical.identifier}</code> of instance
      <code>${physical.instance}</code> (${physical.taken})${without}.`;
  const { base, restorePoint } = physical;
  return html`Kept of ${of}, by pgBackRest: from base backup <code>${base}</code> by the log to restore point
    <code>${restorePoint.name}</code> (${restorePoint.at})${without}.`;
}
