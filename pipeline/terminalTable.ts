import Table from "cli-table3";

/** A cell is its lines, each no wider than its column and without line breaks. */
export type Cells = readonly (readonly string[])[];

export interface TerminalTable {
  readonly head: readonly string[];
  /** Characters of each column, with a space on both sides. */
  readonly widths: readonly number[];
  readonly rows: readonly Cells[];
  /** Whether a line is drawn between the rows. */
  readonly separated: boolean;
  /** Styles of the head, as cli-table3 names them. */
  readonly headStyle?: readonly string[];
}

const beneath = { top: "─", "top-mid": "┼", "top-left": "├", "top-right": "┤" };
const goesOn = { bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" };

/**
 * A table whose cells have many lines. cli-table3 0.6.5 spends on each line of such a cell a time that grows with the square of the
 * cell's characters, minutes for a hundred lines: so it is given a row for each line, and where rows are to be told apart a table
 * for each, one beneath the other.
 */
export function terminalTable({ head, widths, rows, separated, headStyle = [] }: TerminalTable): string {
  const parts = separated ? [undefined, ...rows.map((row) => [row])] : [undefined, rows];
  const wanted = parts.filter((part, at) => at === 0 || (part?.length ?? 0) > 0);
  return wanted
    .map((part, at) => {
      const table = new Table({
        colWidths: [...widths],
        style: { head: [...headStyle], border: [], compact: true },
        chars: { ...(at === 0 ? {} : beneath), ...(at === wanted.length - 1 ? {} : goesOn) },
        ...(part === undefined ? { head: [...head] } : {}),
      });
      for (const cells of part ?? []) {
        const height = Math.max(...cells.map((lines) => lines.length));
        for (let line = 0; line < height; line++) table.push(cells.map((lines) => lines[line] ?? ""));
      }
      return table.toString();
    })
    .join("\n");
}

/** Breaks a text's lines at `width`, after a space or a slash where there is one; what follows is indented as the line is. */
export function wrapText(text: string, width: number): string[] {
  return text.split("\n").flatMap((line) => wrapLine(line, width));
}

function wrapLine(line: string, width: number): string[] {
  const indent = /^ */.exec(line)?.[0] ?? "";
  const lines: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const place = Math.max(rest.lastIndexOf(" ", width), rest.lastIndexOf("/", width - 1) + 1);
    const cut = place > indent.length + width / 2 ? place : width;
    lines.push(rest.slice(0, cut));
    rest = indent + rest.slice(cut).trimStart();
  }
  return [...lines, rest];
}
