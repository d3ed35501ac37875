/**
 * Changes to the text of a Prisma schema that keep the number of each line, so that Prisma's messages name the right ones. Prisma's
 * grammar puts each property, a list too, on a line of its own, and the closing brace of a block as well.
 */

/** @param onBlank told the name and the line, from 1, of each property that is blanked in the datasource block. */
export function blankDatasourceProperties(
  content: string,
  names: readonly string[],
  onBlank: (name: string, line: number) => void = () => undefined,
): string {
  const property = new RegExp(`^\\s*(${names.join("|")})\\s*=`);
  let inDatasource = false;
  const lines = content.split("\n").map((text, at) => {
    if (/^\s*datasource\s+\w+\s*\{/.test(text)) inDatasource = true;
    else if (/^\s*\}/.test(text)) inDatasource = false;
    const name = inDatasource ? property.exec(text)?.[1] : undefined;
    if (name === undefined) return text;
    onBlank(name, at + 1);
    return "";
  });
  return lines.join("\n");
}

/** Takes names out of the lists of preview features. @param onGone told each that was there, and its line, from 1. */
export function withoutPreviewFeatures(
  content: string,
  gone: ReadonlySet<string>,
  onGone: (name: string, line: number) => void = () => undefined,
): string {
  const lines = content.split("\n").map((text, at) => {
    const [whole, head, list = ""] = /^(\s*previewFeatures\s*=\s*)\[([^\]]*)\]/.exec(text) ?? [];
    if (whole === undefined || head === undefined) return text;
    const names = [...list.matchAll(/"([^"]*)"/g)].map(([, name]) => name ?? "");
    const kept = names.filter((name) => !gone.has(name));
    if (kept.length === names.length) return text;
    for (const name of names) if (gone.has(name)) onGone(name, at + 1);
    return `${head}[${kept.map((name) => `"${name}"`).join(", ")}]${text.slice(whole.length)}`;
  });
  return lines.join("\n");
}
