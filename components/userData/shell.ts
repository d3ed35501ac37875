/** A word of a shell, whatever it holds. */
export function quote(text: string): string {
  return /^[A-Za-z0-9_./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Ends a heredoc; no text that is put into one may hold it on a line of its own. */
const end = "END_OF_FILE";

/** Lines that write a file, unless it has that content already; `changed` is set to 1 where it had not. */
export function writeFile(path: string, mode: string, content: string): string {
  if (content.split("\n").includes(end)) throw new Error(`${path}: its content holds the line ${end}`);
  return `write_file ${quote(path)} ${mode} <<'${end}'\n${content.replace(/\n*$/, "\n")}${end}`;
}
