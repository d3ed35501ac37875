import type { MigrationRef, RiskSummary } from "../../contracts.js";
import { type Done, appliedIn } from "../applied.js";
import type { RunEvidence } from "../evidence.js";
import { counted } from "../verdict.js";
import { span } from "../words.js";
import { type Markup, html, section } from "./markup.js";

const tones = { safe: "good", risky: "warn", dangerous: "bad" } as const;

/** What was pending: tier, who answered for it, what it does, and how it went. */
export function migrations(evidence: RunEvidence): Markup | undefined {
  const { preflight } = evidence.results;
  if (preflight === undefined) return undefined;
  const { pending, risks = [], window, applied } = preflight;
  const before = html`<p class="quiet">
    ${counted(applied.length, "migration was", "migrations were")} applied before this run.
  </p>`;
  if (pending.length === 0) return section("migrations", "Migrations", html`<p>None was pending.</p>`, before);
  const risk = new Map(risks.map((one) => [one.migration, one]));
  const done = appliedIn(evidence);
  const failure = evidence.stages.find(({ name }) => name === "migrate")?.error?.message;
  const failed = pending.find(({ name }) => failure?.startsWith(`${name} failed`));
  const held =
    window === undefined || window.state === "notAsked"
      ? undefined
      : window.override === undefined
        ? html`<p>In the maintenance window: ${window.note}.</p>`
        : html`<p>
            <span class="tag warn">outside the window</span> ${window.note}. Run nevertheless, on the word of
            ${window.override.by}: ${window.override.reason}
          </p>`;
  return section(
    "migrations",
    "Migrations",
    held,
    html`${pending.map((ref) => one(ref, risk.get(ref.name), ref === failed ? "failed" : done.get(ref.name)))}`,
    before,
  );
}

function one(
  { name, checksum }: MigrationRef,
  risk: RiskSummary | undefined,
  done: Done | "failed" | undefined,
): Markup {
  const tier = risk?.tier ?? "safe";
  const how =
    done === undefined
      ? html`<span class="quiet">not applied</span>`
      : done === "failed"
        ? html`<span class="bad">failed</span>`
        : html`applied in
          ${span(done.durationMs)}${done.attempts > 1 ? html`, at attempt ${done.attempts}: locks were in the way` : undefined}${pointBefore(done)}`;
  return html`<article>
    <h3>${name} <span class="tag ${tones[tier]}">${tier}</span></h3>
    <p>
      ${how} · <span class="quiet">SHA-256 <code>${checksum.slice(0, 12)}…</code></span>
    </p>
    ${risk === undefined ? undefined : described(risk)}
  </article> `;
}

function pointBefore({ restorePoint }: Done): Markup | undefined {
  if (restorePoint === undefined) return undefined;
  const { name, lsn, at } = restorePoint;
  return html`; restore point before it: <code>${name}</code>, at ${at} (${lsn})`;
}

function described(risk: RiskSummary): Markup {
  const findings = risk.findings.map(
    ({ line, rule, message, safer, ignored }) =>
      html`<li>
        Line ${line}, <code>${rule}</code>:
        ${message}${ignored === undefined ? undefined : html` <i>Answered for: ${ignored}</i>`}${safer === "" ? undefined : html`<br /><span class="quiet">Safer: ${safer}</span>`}
      </li> `,
  );
  const more = [
    ...(risk.omitted > 0 ? [`${risk.omitted} more findings are left out`] : []),
    ...risk.evidence.map((text) => `The database: ${text}`),
    ...risk.prismaWarnings.map((text) => `Prisma: ${text}`),
    ...risk.unknowns.map((text) => `Not known: ${text}`),
  ].map((text) => html`<li>${text}</li> `);
  return html`<p>${risk.why.charAt(0).toUpperCase()}${risk.why.slice(1)}.</p>
    <ul>
      ${[...findings, ...more]}
    </ul> `;
}
