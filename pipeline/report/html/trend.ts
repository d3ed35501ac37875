import { type Markup, html } from "./markup.js";
import type { Tone } from "./tones.js";

const width = 720;
const height = 90;
const left = 84;
const top = 14;
const bottom = 6;

export interface Point {
  readonly label: string;
  readonly tone: Tone;
  /** Absent where it was not measured. */
  readonly value?: number;
}

/** Figures of runs in order as bars from zero; the table of runs has them as numbers. */
export function trendPlot(
  id: string,
  title: string,
  points: readonly Point[],
  show: (value: number) => string,
): Markup {
  const values = points.flatMap(({ value }) => value ?? []);
  const highest = Math.max(0, ...values);
  const newest = values.at(-1) ?? 0;
  const step = (width - left) / points.length;
  const floor = height - bottom;
  const bars = points.map(({ label, tone, value }, at) => {
    if (value === undefined) return undefined;
    const size = highest === 0 ? 0 : ((floor - top) * value) / highest;
    const drawn = Math.max(1, size);
    const name = `${label}: ${show(value)}`;
    return html`<rect
      class="${tone === "good" ? "bar" : `bar-${tone}`}"
      x="${round(left + at * step)}"
      y="${round(floor - drawn)}"
      width="${round(Math.max(1, step - 2))}"
      height="${round(drawn)}"
      ><title>${name}</title></rect
    >`;
  });
  const text = `${points.length} runs, the oldest first; at most ${show(highest)}, the newest ${show(newest)}`;
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-text">
    <title id="${id}-title">${title}</title>
    <desc id="${id}-text">${text}</desc>
    <line class="axis" x1="${left}" x2="${width}" y1="${top}" y2="${top}" />
    <line class="axis" x1="${left}" x2="${width}" y1="${floor}" y2="${floor}" />
    <text x="${left - 6}" y="${top + 4}" text-anchor="end">${show(highest)}</text>
    <text x="${left - 6}" y="${floor + 4}" text-anchor="end">0</text>
    ${bars}
  </svg>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
