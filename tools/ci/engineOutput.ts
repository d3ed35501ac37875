import { stripVTControlCharacters } from "node:util";

/**
 * What the engine has to tell a person: the block "Diagnostics" of its output, which holds the pending migrations and what a gate
 * refuses. All of the output where there is no such block, since then the engine was not reached.
 */
export function diagnosticsOf(output: string): string {
  const lines = stripVTControlCharacters(output).split(/\r?\n/);
  const start = lines.indexOf("Diagnostics:");
  if (start === -1) return lines.join("\n").trim();
  const rest = lines.slice(start + 1);
  // The next block begins with a heading without indentation.
  const end = rest.findIndex((line) => /^\S/.test(line));
  return withoutIndent(end === -1 ? rest : rest.slice(0, end));
}

function withoutIndent(lines: readonly string[]): string {
  const filled = lines.filter((line) => line.trim() !== "");
  const indent = Math.min(...filled.map((line) => line.length - line.trimStart().length));
  return lines
    .map((line) => line.slice(indent))
    .join("\n")
    .trim();
}
