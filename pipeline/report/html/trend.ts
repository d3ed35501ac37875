import { type Markup, html } from "./markup.js";
import type { Tone } from "./tones.js";

const width = 720;
const height = 100;
const top = 26;
const bottom = 2;

export interface Point {
  readonly label: string;
  readonly tone: Tone;
  /** Absent where it was not measured. */
  readonly value?: number;
}

/**
 * Figures of runs in order as bars from zero; the table of runs has them as numbers.
 *
 * @param aim drawn as a line where a bar reaches it.
 */
export function trendPlot(
  id: string,
  title: string,
  points: readonly Point[],
  show: (value: number) => string,
  aim?: number,
): Markup {
  const values = points.flatMap(({ value }) => value ?? []);
  const highest = Math.max(0, ...values);
  const newest = values.at(-1) ?? 0;
  const step = width / points.length;
  const floor = height - bottom;
  const bars = points.map(({ label, tone, value }, at) => {
    if (value === undefined) return undefined;
    const size = highest === 0 ? 0 : ((floor - top) * value) / highest;
    const drawn = Math.max(1, size);
    const name = `${label}: ${show(value)}`;
    return html`<rect
      class="${tone === "good" ? "bar" : `bar-${tone}`}"
      x="${round(at * step)}"
      y="${round(floor - drawn)}"
      width="${round(Math.max(1, step - 2))}"
      height="${round(drawn)}"
      ><title>${name}</title></rect
    >`;
  });
  const at = aim === undefined ? 0 : round(floor - ((floor - top) * aim) / Math.max(1, highest));
  const limit =
    aim !== undefined && aim <= highest
      ? html`<line class="limit" x1="0" x2="${width}" y1="${at}" y2="${at}" /><text
            x="${width}"
            y="${top - 6}"
            text-anchor="end"
            >dashed: the aim, ${show(aim)}</text
          >`
      : undefined;
  const text = `${points.length} runs, the oldest first; at most ${show(highest)}, the newest ${show(newest)}`;
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-text">
    <title id="${id}-title">${title}</title>
    <desc id="${id}-text">${text}</desc>
    <line class="axis" x1="0" x2="${width}" y1="${top}" y2="${top}" />
    <line class="axis" x1="0" x2="${width}" y1="${floor}" y2="${floor}" />
    <text x="0" y="${top - 6}">${show(highest)}</text>
    ${bars}${limit}
  </svg>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
