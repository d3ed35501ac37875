/** How much of a line is shown, in characters; a caret beyond the edge of a terminal helps nobody. */
const shownWidth = 160;
/** How much of that stands before the place. */
const lead = 60;

/** The lines up to a place of a script, with a caret under it; a part of a long line, and no password. */
export function excerptOf(script: string, line: number, column: number): string {
  const lines = script.split("\n").map((text) => text.replace(/\r$/, ""));
  const first = Math.max(1, line - 2);
  const width = String(line).length;
  const from = column > shownWidth ? column - lead : 1;
  const shown = lines
    .slice(first - 1, line)
    .map((text, at) => `${String(first + at).padStart(width)} | ${cut(withoutPasswords(text), from)}`);
  const place = cut(withoutPasswords(lines[line - 1] ?? ""), from);
  // Tabs stay tabs, so that the caret stands where the eye looks.
  const blank = Array.from(place)
    .slice(0, column - from)
    .map((character) => (character === "\t" ? "\t" : " "))
    .join("");
  return [...shown, `${" ".repeat(width)} | ${from > 1 ? "  " : ""}${blank}^`].join("\n");
}

function cut(text: string, from: number): string {
  const characters = Array.from(text);
  const part = characters.slice(from - 1, from - 1 + shownWidth).join("");
  return `${from > 1 ? "… " : ""}${part}${characters.length > from - 1 + shownWidth ? " …" : ""}`;
}

/** What follows PASSWORD in CREATE ROLE and its kind is no one else's business; the length stays, for the caret. */
function withoutPasswords(text: string): string {
  return text.replace(/(\bpassword\s*=?\s*)'((?:[^']|'')*)'/gi, (_, head: string, secret: string) => {
    return `${head}'${"*".repeat(Array.from(secret).length)}'`;
  });
}
