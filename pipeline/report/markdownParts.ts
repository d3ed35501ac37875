import { type AgainstTarget, spanOfRun } from "./target.js";
import { moment, percent, span } from "./words.js";

export function section(title: string, body: string): string {
  return `## ${title}\n\n${body}`;
}

export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** A cell's text: in a table, a line break and a bar would end the cell. */
export function cell(value: string | number): string {
  return String(value).replace(/\|/g, "\\|").replace(/\n/g, "<br>");
}

interface StageRow {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly started: number;
  readonly durationMs: number;
  readonly outcome: string;
}

/** When each stage ran and how it ended, against what is aimed at. @param target absent where nothing was pending, or the run did not end well */
export function stagesSection(stages: readonly StageRow[], target: AgainstTarget | undefined): string {
  const { ms } = spanOfRun({ stages: stages.map((stage) => ({ ...stage, log: [] })) });
  const aim =
    target === undefined
      ? `${span(ms)} in all.`
      : `${span(ms)} in all: ${percent(ms / target.targetMs)} of the ${span(target.targetMs)} that are aimed at for ${target.kind} migrations, ${target.met ? "within the aim" : "**over the aim**"}.`;
  const rows = stages.map(({ name, started, durationMs, outcome }) => [
    name,
    outcome,
    moment(started).slice(11),
    span(durationMs),
  ]);
  const body = `${aim}\n\n${table(["stage", "outcome", "began (UTC)", "took"], rows)}`;
  // Spaces that no line is broken at are of no use in Markdown, and are not found by who searches.
  return section("Stages", body.replace(/[\u00a0\u202f]/g, " "));
}
