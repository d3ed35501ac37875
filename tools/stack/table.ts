import type { OutputMap } from "@pulumi/pulumi/automation";
import { terminalTable, wrapText } from "../../pipeline/terminalTable.js";

const masked = "[secret]";

/** A stack's outputs as plain values, secrets masked. */
export function visible(outputs: OutputMap): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { value, secret }]) => [name, secret ? masked : (value as unknown)]),
  );
}

/** What a person looks for first. */
const first = ["connection", "backup", "rehearsal", "migrations", "health", "report"];
/** What one run notes for the next and for commands by hand; `npm run outputs` has it. */
const bookkeeping = ["lastRun", "database", "storeAccess", "refreshFrom"];

/** The names of the outputs to show, in the order of interest. */
export function shownNames(outputs: Readonly<Record<string, unknown>>): string[] {
  const names = Object.keys(outputs).filter((name) => !bookkeeping.includes(name));
  return [...first.filter((name) => names.includes(name)), ...names.filter((name) => !first.includes(name))];
}

/**
 * The outputs as a table of two columns, for people. Nested values are written out readably, one fact a line; at most
 * `width` columns wide.
 */
export function renderTable(outputs: Readonly<Record<string, unknown>>, width: number): string {
  const names = shownNames(outputs);
  const left = Math.max(6, ...names.map((name) => name.length)) + 2;
  const right = Math.max(20, Math.min(width, 120) - left - 3);
  const rows = names.map((name) => {
    const lines = describe(outputs[name]);
    return [[name], lines.flatMap((line) => wrapText(line, right - 2))];
  });
  return terminalTable({ head: ["output", "value"], widths: [left, right], rows, separated: false });
}

function isBag(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The most items of a list that are written out. */
const shown = 12;

/** A value as lines of text, one fact a line. */
export function describe(value: unknown): string[] {
  if (value === undefined || value === null) return ["–"];
  if (Array.isArray(value)) return describeList(value);
  if (typeof value === "string") return [shortened(value)];
  if (!isBag(value)) return [JSON.stringify(value)];
  const entries = Object.entries(value);
  if (entries.length === 0) return ["none"];
  return entries.flatMap(([name, item]) => {
    const lines = describe(item);
    return lines.length === 1 ? [`${name}: ${lines[0] ?? ""}`] : [`${name}:`, ...lines.map((line) => `  ${line}`)];
  });
}

/** A checksum by its beginning, which is enough to tell it from others. */
function shortened(text: string): string {
  return /^[0-9a-f]{40,}$/.test(text) ? `${text.slice(0, 12)}…` : text;
}

function describeList(list: readonly unknown[]): string[] {
  if (list.length === 0) return ["none"];
  const lines = list.slice(0, shown).map((item) => (isBag(item) ? inline(item) : describe(item).join(", ")));
  return list.length > shown ? [...lines, `… and ${list.length - shown} more`] : lines;
}

/** An item of a list in one line: its name first, if it has one. */
function inline(item: Record<string, unknown>): string {
  const { name, ...rest } = item;
  const facts = Object.entries(rest).map(([key, value]) => `${key}: ${describe(value).join(", ")}`);
  if (typeof name !== "string") return facts.join(", ");
  return facts.length === 0 ? name : `${name} (${facts.join(", ")})`;
}
