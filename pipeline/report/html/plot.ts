import { span } from "../words.js";
import { type Markup, html } from "./markup.js";

const width = 720;
const height = 180;
const left = 84;
const bottom = 26;
const top = 14;

interface Series {
  readonly everyMs: number;
  readonly slowestMs: readonly (number | null)[];
}

/** What is read out in the place of the plot. */
interface Told {
  /** Tells it from the other plots of the page. */
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

/** The slowest answer of each interval as bars on a logarithmic scale, with the time from which one counts as refused. */
export function answersPlot({ everyMs, slowestMs }: Series, refusedAfterMs: number, { id, title, text }: Told): Markup {
  const highest = Math.max(refusedAfterMs * 2, ...slowestMs.map((value) => value ?? 0));
  const decades = Math.ceil(Math.log10(highest));
  const y = (ms: number) => height - bottom - ((height - bottom - top) * Math.log10(Math.max(1, ms))) / decades;
  const step = (width - left) / Math.max(1, slowestMs.length);
  const bars = slowestMs.map((value, at) => {
    if (value === null) return undefined;
    const from = y(Math.max(1.3, value));
    const late = value > refusedAfterMs ? "late" : "bar";
    return html`<rect
      class="${late}"
      x="${round(left + at * step)}"
      y="${round(from)}"
      width="${round(Math.max(1, step - 1))}"
      height="${round(height - bottom - from)}"
    />`;
  });
  const lines = Array.from({ length: decades + 1 }, (_, power) => {
    const at = round(y(10 ** power));
    return html`<line class="axis" x1="${left}" x2="${width}" y1="${at}" y2="${at}" /><text
        x="${left - 6}"
        y="${at + 4}"
        text-anchor="end"
        >${span(10 ** power)}</text
      >`;
  });
  const limit = round(y(refusedAfterMs));
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-plot-title ${id}-plot-text">
    <title id="${id}-plot-title">${title}</title>
    <desc id="${id}-plot-text">${text}</desc>
    ${lines}${bars}
    <line class="limit" x1="${left}" x2="${width}" y1="${limit}" y2="${limit}" />
    <text x="${left}" y="${height - 6}">0</text>
    <text x="${width}" y="${height - 6}" text-anchor="end">${span(everyMs * slowestMs.length)}</text>
  </svg>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
