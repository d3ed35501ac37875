/** HTML that may stand in a page as it is. */
export class Markup {
  constructor(readonly text: string) {}
}

type Value = Markup | string | number | undefined | readonly (Markup | undefined)[];

/** Builds HTML; whatever is put into it is text, and escaped, unless it is HTML itself. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(parts.reduce((text, part, at) => text + (at === 0 ? "" : render(values[at - 1])) + part, ""));
}

function render(value: Value): string {
  if (value === undefined) return "";
  if (value instanceof Markup) return value.text;
  if (typeof value === "object") return value.map(render).join("");
  return escape(String(value));
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

export interface Column {
  readonly head: string;
  /** `figure`: at the right, below one another; `track`: bars on a common scale. */
  readonly kind?: "figure" | "track";
}

/** From how many columns on a table's rows are paragraphs on a phone. */
const wide = 3;

/**
 * A table whose first column names the row. Where the screen is narrower it scrolls by itself; on a phone the rows of a wide one are
 * paragraphs, each figure after its column's head. The roles say that it is a table however it is laid out.
 */
export function table(caption: string, columns: readonly Column[], rows: readonly (readonly Value[])[]): Markup {
  const cards = columns.length >= wide && !columns.some(({ kind }) => kind === "track");
  const role = (name: string) => (cards ? html` role="${name}"` : undefined);
  const style = ({ kind }: Column) => (kind === undefined ? undefined : html` class="${kind}"`);
  const head = columns.map(
    (column) => html`<th scope="col" ${role("columnheader")}${style(column)}>${column.head}</th>`,
  );
  const body = rows.map((cells) => {
    const [first, ...rest] = cells;
    const others = rest.map((cell, at) => {
      const column = columns[at + 1] ?? { head: "" };
      const label = cards ? html` data-head="${column.head}"` : undefined;
      return html`<td${role("cell")}${label}${cell === "–" ? html` data-none` : undefined}${style(column)}>${cell}</td>`;
    });
    return html`<tr${role("row")}>
      <th scope="row"${role("rowheader")}>${first}</th>
      ${others}
    </tr> `;
  });
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table${cards ? html` class="cards" role="table"` : undefined}>
      <caption class="unseen">
        ${caption}
      </caption>
      <thead${role("rowgroup")}>
        <tr${role("row")}>
          ${head}
        </tr>
      </thead>
      <tbody${role("rowgroup")}>
        ${body}
      </tbody>
    </table>
  </div>`;
}

/** A part of the page under its own heading. */
export function section(id: string, title: string, ...body: readonly (Markup | undefined)[]): Markup {
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${[...body]}
  </section> `;
}
