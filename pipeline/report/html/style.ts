/** The look of all pages: no framework, no script, nothing fetched. Colours are at least AA against their ground in both themes. */
export const style = `
:root { color-scheme: light dark;
  --ground: #fdfcfa; --ink: #1c1d20; --quiet: #5a5d64; --line: #dedbd4; --soft: #f4f2ed;
  --good: #17633a; --warn: #7d4f00; --bad: #a3221a; --link: #1f5196; --bar: #7893b8; --good-soft: #e6f1ea; --warn-soft: #f8eeda; --bad-soft: #fae6e3; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #16171a; --ink: #e8e6e1; --quiet: #a6a8ae; --line: #36383d; --soft: #1f2124;
  --good: #7fd3a3; --warn: #e9bd66; --bad: #ff9a8f; --link: #93bcf5; --bar: #56759f; --good-soft: #182a20; --warn-soft: #2d2515; --bad-soft: #331d1b; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", "DejaVu Sans", sans-serif; }
main, header, footer { max-width: 68rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.25rem; }
.where { margin: 0; color: var(--quiet); }
.where b { color: var(--ink); font-weight: 600; }
h1 { margin: .15rem 0 .5rem; font-size: clamp(1.7rem, 5vw, 2.5rem); line-height: 1.15; letter-spacing: -.015em; font-weight: 650; }
h2 { margin: 0 0 .75rem; font-size: 1rem; font-weight: 650; }
h3 { margin: 0 0 .25rem; font-size: 1rem; font-weight: 600; overflow-wrap: anywhere; }
p { margin: 0 0 .75rem; max-width: 44rem; }
a { color: var(--link); text-underline-offset: .15em; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 2px; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); } .quiet { color: var(--quiet); }
.verdict { border-left: .3rem solid currentColor; padding-left: 1rem; margin-left: -1.3rem; }
.verdict p, .verdict pre { color: var(--ink); }
.lead { font-size: 1.1rem; }
pre { margin: 0 0 .75rem; white-space: pre-wrap; overflow-wrap: anywhere; font: .875rem/1.5 ui-monospace, "SF Mono", "Cascadia Mono", "Liberation Mono", "DejaVu Sans Mono", monospace; }
code { font: .9em ui-monospace, "SF Mono", "Cascadia Mono", "Liberation Mono", "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.next { background: var(--soft); border: 1px solid var(--line); border-radius: .4rem; padding: .75rem 1rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); margin: 1.5rem 0 0; border-top: 1px solid var(--line); }
.figures div { padding: .75rem 1rem .75rem 0; }
.figures dt { color: var(--quiet); font-size: .875rem; }
.figures dd { margin: 0; }
.figures .big { font-size: 1.6rem; line-height: 1.25; font-weight: 600; letter-spacing: -.01em; font-variant-numeric: tabular-nums; white-space: nowrap; }
.figures .small { font-size: .875rem; color: var(--quiet); }
section { border-top: 1px solid var(--line); padding: 1.25rem 0 .75rem; }
@media (min-width: 58rem) {
  section { display: grid; grid-template-columns: 11rem minmax(0, 1fr); column-gap: 1.5rem; }
  section > * { grid-column: 2; } section > h2 { grid-column: 1; grid-row: 1 / span 40; }
  section[aria-labelledby="runs"] { display: block; } }
tbody a { white-space: nowrap; }
.scroll { overflow-x: auto; margin-bottom: .75rem; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .3rem 1rem .3rem 0; border-bottom: 1px solid var(--line); font-weight: 400; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--quiet); font-size: .875rem; }
tbody tr:last-child > * { border-bottom: 0; }
.figure { text-align: right; white-space: nowrap; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.track { min-width: 9rem; width: 45%; }
.track span { display: block; height: .7rem; margin: .4rem 0; border-radius: .15rem; background: var(--bar); margin-left: var(--from); width: max(3px, var(--size)); }
.track .failed { background: var(--bad); } .track .refused { background: var(--warn); }
.tag { display: inline-block; font-size: .8125rem; line-height: 1.4; padding: 0 .45em; border-radius: .25rem; border: 1px solid currentColor; font-weight: 500; white-space: nowrap; }
.tag.good { background: var(--good-soft); } .tag.warn { background: var(--warn-soft); } .tag.bad { background: var(--bad-soft); }
article { padding: .6rem 0; border-bottom: 1px solid var(--line); } article:first-of-type { padding-top: 0; } article:last-of-type { border-bottom: 0; }
article p, article ul { margin: 0 0 .4rem; } ul { padding-left: 1.1rem; margin: 0 0 .75rem; } li { margin: .15rem 0; max-width: 46rem; overflow-wrap: anywhere; }
figure { margin: 0 0 1rem; } figcaption { color: var(--quiet); font-size: .875rem; }
svg { display: block; width: 100%; height: auto; } svg text { font: 11px system-ui, "Liberation Sans", "DejaVu Sans", sans-serif; fill: var(--quiet); }
svg .axis { stroke: var(--line); } svg .bar { fill: var(--bar); } svg .late, svg .bar-bad { fill: var(--bad); } svg .bar-warn { fill: var(--warn); } svg .bar-quiet { fill: var(--quiet); } svg .limit { stroke: var(--bad); stroke-dasharray: 4 3; }
details { margin: 0 0 .5rem; } summary { cursor: pointer; color: var(--link); } details pre { margin: .5rem 0 0; padding: .75rem; background: var(--soft); font-size: .8125rem; overflow-x: auto; }
footer { padding-bottom: 2.5rem; color: var(--quiet); font-size: .875rem; }
footer p { max-width: none; border-top: 1px solid var(--line); padding-top: 1rem; }
@media (max-width: 40rem) { .verdict { margin-left: 0; } .track { display: none; } svg text { font-size: 22px; } .figures { grid-template-columns: 1fr 1fr; } .figures .big { font-size: 1.35rem; }
  .cards, .cards tbody, .cards tr, .cards th { display: block; } .cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .cards tbody tr { padding: .45rem 0; border-bottom: 1px solid var(--line); } .cards tbody tr > * { border: 0; padding: 0; }
  .cards tbody th { overflow-wrap: anywhere; font-weight: 600; } .cards td { display: inline-block; margin-right: .8rem; text-align: left; white-space: normal; }
  .cards td[data-head]::before { content: attr(data-head) " "; color: var(--quiet); font-size: .875rem; } .cards td[data-none] { display: none; } }
@page { margin: 14mm; }
@media print {
  :root { --ground: #fff; --ink: #000; --quiet: #444; --line: #bbb; --soft: #fff; --good: #17633a; --warn: #7d4f00; --bad: #a3221a; --link: #000; --bar: #7893b8; --good-soft: #fff; --warn-soft: #fff; --bad-soft: #fff; }
  body { font-size: 10pt; } header { padding-top: 0; } section, article, tr, figure { break-inside: avoid; } h2 { break-after: avoid; }
  .scroll { overflow: visible; } .track span, svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; } .logs { display: none; }
  main, header, footer { max-width: none; padding-left: 0; padding-right: 0; } .verdict { margin-left: 0; }
  section[aria-labelledby="runs"] :is(table, thead th) { font-size: 7.5pt; } section[aria-labelledby="runs"] :is(th, td) { padding: .15rem .5rem .15rem 0; } }
`.trim();
