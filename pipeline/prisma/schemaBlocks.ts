import type { SchemaFile } from "./schemaFiles.js";

/**
 * Changes to single lines of a Prisma schema. All else stays to the byte: comments, order, indentation, ends of lines.
 * Prisma's grammar puts each field, attribute of a block and value on a line of its own.
 */

export type BlockKind = "model" | "enum";

/** One line in a block, for each state that it may be in. */
export interface TrackedLine {
  readonly kind: BlockKind;
  readonly block: string;
  /** Without indentation; null: it is not there. One for each state. */
  readonly states: readonly (string | null)[];
}

/** A block of its own, which is there in some states. */
export interface TrackedBlock {
  /** The block behind which it is put. */
  readonly after: string;
  readonly kind: BlockKind;
  readonly name: string;
  readonly lines: readonly string[];
  readonly states: readonly boolean[];
}

export interface Tracked {
  readonly lines: readonly TrackedLine[];
  readonly blocks: readonly TrackedBlock[];
}

/** A change that could not be made, for a person to make. */
export interface ByHand {
  readonly block: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** Takes the files from one state to another. @returns all files, and what was not found as it was written. */
export function moveSchema(
  files: readonly SchemaFile[],
  { lines, blocks }: Tracked,
  from: number,
  to: number,
): { readonly files: readonly SchemaFile[]; readonly byHand: readonly ByHand[] } {
  const texts = files.map(({ path, content }) => ({ path, lines: content.split("\n") }));
  const byHand: ByHand[] = [];
  for (const { kind, block, states } of lines) {
    const [before = null, after = null] = [states[from], states[to]];
    if (before === after) continue;
    if (!changeLine(texts, { kind, block, before, after })) byHand.push({ block, from: before, to: after });
  }
  for (const tracked of blocks) {
    const [before = false, after = false] = [tracked.states[from], tracked.states[to]];
    if (before === after) continue;
    const done = after ? insertBlock(texts, tracked) : removeBlock(texts, tracked);
    const text = `${tracked.kind} ${tracked.name}`;
    if (!done) byHand.push({ block: tracked.name, from: after ? null : text, to: after ? text : null });
  }
  return { files: texts.map(({ path, lines: all }) => ({ path, content: all.join("\n") })), byHand };
}

interface Text {
  readonly path: string;
  readonly lines: string[];
}

interface Place {
  readonly lines: string[];
  /** Of the line with the opening brace. */
  readonly start: number;
  /** Of the line with the closing brace. */
  readonly end: number;
}

function placeOf(texts: readonly Text[], kind: BlockKind, name: string): Place | undefined {
  const head = new RegExp(`^\\s*${kind === "model" ? "(?:model|view)" : kind}\\s+${name}\\s*\\{`);
  for (const { lines } of texts) {
    const start = lines.findIndex((line) => head.test(line));
    if (start === -1) continue;
    const end = lines.findIndex((line, at) => at > start && /^\s*\}/.test(line));
    if (end !== -1) return { lines, start, end };
  }
  return undefined;
}

/** The lines of a block, without its braces and without indentation. */
export function blockLines(files: readonly SchemaFile[], kind: BlockKind, name: string): string[] | undefined {
  const texts = files.map(({ path, content }) => ({ path, lines: content.split("\n") }));
  const place = placeOf(texts, kind, name);
  return place?.lines.slice(place.start + 1, place.end).map((line) => line.trim());
}

/** Names of the enums of all files, with the names that the database has for them. */
export function enumNames(files: readonly SchemaFile[]): ReadonlyMap<string, string> {
  const names = files.flatMap(({ content }) =>
    [...content.matchAll(/^\s*enum\s+(\w+)\s*\{/gm)].map(([, name = ""]) => name),
  );
  return new Map(
    names.map((name) => {
      const mapped = blockLines(files, "enum", name)?.flatMap(
        (line) => /^@@map\((?:name:\s*)?"([^"]+)"\)/.exec(line)?.[1] ?? [],
      );
      return [mapped?.[0] ?? name, name];
    }),
  );
}

/** White space does not count: `prisma format` aligns columns. */
const bare = (line: string): string => line.trim().replace(/\s+/g, " ");

interface LineChange {
  readonly kind: BlockKind;
  readonly block: string;
  readonly before: string | null;
  readonly after: string | null;
}

function changeLine(texts: readonly Text[], { kind, block, before, after }: LineChange): boolean {
  const place = placeOf(texts, kind, block);
  if (place === undefined) return false;
  const { lines, start, end } = place;
  const own = /\r$/.test(lines[start] ?? "") ? "\r" : "";
  if (before === null) {
    const at = insertionPoint(place, after ?? "");
    const indent = /^\s*/.exec(lines[start + 1] ?? "")?.[0].replace(/\r/g, "") || "  ";
    lines.splice(at, 0, `${indent}${after ?? ""}${own}`);
    return true;
  }
  const at = lines.findIndex((line, number) => number > start && number < end && bare(line) === bare(before));
  const found = lines[at];
  if (found === undefined) return false;
  const indent = /^\s*/.exec(found)?.[0] ?? "";
  if (after === null) lines.splice(at, 1);
  else lines[at] = `${indent}${after}${own}`;
  return true;
}

/** Attributes of the block come last; a field or value comes after the last one of its kind. */
function insertionPoint({ lines, start, end }: Place, text: string): number {
  if (text.startsWith("@@")) return end;
  for (let at = end - 1; at > start; at--) {
    const line = lines[at]?.trim() ?? "";
    if (line !== "" && !line.startsWith("@@") && !line.startsWith("//")) return at + 1;
  }
  return start + 1;
}

function insertBlock(texts: readonly Text[], { after, kind, name, lines }: TrackedBlock): boolean {
  const place = placeOf(texts, kind, after);
  if (place === undefined) return false;
  const own = /\r$/.test(place.lines[place.start] ?? "") ? "\r" : "";
  const block = ["", `${kind} ${name} {`, ...lines.map((line) => `  ${line}`), "}"].map((line) => `${line}${own}`);
  place.lines.splice(place.end + 1, 0, ...block);
  return true;
}

function removeBlock(texts: readonly Text[], { kind, name }: TrackedBlock): boolean {
  const place = placeOf(texts, kind, name);
  if (place === undefined) return false;
  const blank = place.lines[place.start - 1]?.trim() === "" ? 1 : 0;
  place.lines.splice(place.start - blank, place.end - place.start + 1 + blank);
  return true;
}
