import type { RunEvidence } from "../evidence.js";
import { number, span } from "../words.js";
import { type Markup, html, section, table } from "./markup.js";

/** The application's costliest statements: what a call took before the migrations, and since. */
export function statements({ results: { preflight, verify } }: RunEvidence): Markup | undefined {
  const before = new Map(preflight?.statements?.map((one) => [one.id, one]));
  const after = verify?.statements;
  if (after === undefined || after.length === 0) return undefined;
  const rows = after.map(({ id, query, calls, totalMs }) => {
    const earlier = before.get(id);
    const calledSince = calls - (earlier?.calls ?? 0);
    const since = calledSince > 0 ? (totalMs - (earlier?.totalMs ?? 0)) / calledSince : undefined;
    const then = earlier === undefined || earlier.calls === 0 ? undefined : earlier.totalMs / earlier.calls;
    const slower = since !== undefined && then !== undefined && since > 2 * then && since - then > 1;
    return [
      html`<code>${query}</code>`,
      then === undefined ? "–" : perCall(then),
      since === undefined ? "–" : slower ? html`<b class="warn">${perCall(since)}</b>` : perCall(since),
      number(Math.max(0, calledSince)),
    ];
  });
  return section(
    "statements",
    "Statements",
    html`<p>
      The application’s costliest statements by <code>pg_stat_statements</code>: the mean time of a call before the run,
      and of the calls since. More than twice as long is set in bold.
    </p>`,
    table(
      "Mean time of a call before the run and since",
      [
        { head: "Statement" },
        { head: "Before", kind: "figure" },
        { head: "Since", kind: "figure" },
        { head: "Calls since", kind: "figure" },
      ],
      rows,
    ),
  );
}

function perCall(ms: number): string {
  return ms < 10 ? `${ms.toFixed(2)}\u00a0ms` : span(ms);
}
