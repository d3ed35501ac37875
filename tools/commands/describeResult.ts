import { inspect } from "node:util";

/** A stage's result for a person: a line a field, lists below one another. */
export function describeResult(result: unknown): string {
  if (typeof result !== "object" || result === null) return `${inspect(result)}\n`;
  const entries = Object.entries(result).filter(([, value]) => value !== undefined);
  const width = Math.max(...entries.map(([key]) => key.length));
  return entries.map(([key, value]) => `${key.padEnd(width)}  ${describeValue(value, width)}\n`).join("");
}

function describeValue(value: unknown, width: number): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return "none";
    return value.map((item) => describeItem(item)).join(`\n${" ".repeat(width + 2)}`);
  }
  return describeItem(value);
}

function describeItem(item: unknown): string {
  if (typeof item === "object" && item !== null) {
    return Object.entries(item)
      .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
      .join(" ");
  }
  return String(item);
}
