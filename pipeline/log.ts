import pc from "picocolors";
import { coloursFor } from "./colours.js";

export const levels = ["debug", "info", "warn", "error"] as const;
export type Level = (typeof levels)[number];
const order: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** A line over 64 KiB can hang the provider that reads it; longer messages are cut. */
const maxLineLength = 8_000;

export type Fields = Readonly<Record<string, unknown>>;

/** One line of the log. */
export interface Entry {
  readonly time: string;
  readonly level: Level;
  readonly stage: string;
  readonly run: string;
  /** Seconds since the stage started. */
  readonly elapsed: number;
  readonly message: string;
  readonly fields: Fields;
}

export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** Progress of long work: a bar that is replaced in place on a terminal, a line now and then elsewhere. */
  progress(message: string, fraction: number): void;
}

/** `text`: lines for a person; `json`: one JSON object a line. */
export type Format = "text" | "json";

export function renderJson(entry: Entry): string {
  return JSON.stringify({
    time: entry.time,
    tag: entry.level === "error" ? "[MIGRATION ERROR]" : "[MIGRATION]",
    level: entry.level,
    stage: entry.stage,
    run: entry.run,
    elapsed: entry.elapsed,
    message: cut(entry.message),
    ...entry.fields,
  }).slice(0, maxLineLength * 4);
}

export function renderText(entry: Entry, colours: ReturnType<typeof pc.createColors> = pc.createColors(false)): string {
  const tag = entry.level === "error" ? colours.red("[MIGRATION ERROR]") : colours.cyan("[MIGRATION]");
  const level = entry.level === "warn" ? colours.yellow(" warning:") : entry.level === "debug" ? " debug:" : "";
  const { state, next, ...rest } = entry.fields;
  const fields = Object.entries(rest)
    .map(([key, value]) => ` ${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("");
  const head = `${tag} ${entry.stage} ${entry.elapsed.toFixed(1)}s${level}`;
  // A failure's last two lines are what a person acts on.
  const tail = [
    typeof state === "string" ? `\n  State: ${cut(state)}` : "",
    typeof next === "string" ? `\n  Next:  ${cut(next)}` : "",
  ];
  return `${head} ${cut(entry.message)}${colours.dim(cut(fields))}${tail.join("")}`;
}

function cut(text: string): string {
  return text.length > maxLineLength ? `${text.slice(0, maxLineLength)}… (${text.length} characters)` : text;
}

export interface LogOptions {
  readonly stage: string;
  readonly run: string;
  readonly format: Format;
  readonly level: Level;
  readonly terminal: boolean;
  /** Given each line as JSON, whatever is shown. */
  readonly onLine?: (line: string) => void;
  readonly write: (text: string) => void;
  readonly now?: () => number;
}

/** How often a line of progress is printed where lines cannot be replaced, in milliseconds. */
const progressEvery = 2_000;

export function createLogger(options: LogOptions): Logger {
  const now = options.now ?? Date.now;
  const started = now();
  const colours = coloursFor(options.terminal);
  let lastProgress = 0;
  let openLine = false;

  const emit = (level: Level, message: string, fields: Fields = {}) => {
    const entry: Entry = {
      time: new Date(now()).toISOString(),
      level,
      stage: options.stage,
      run: options.run,
      elapsed: Math.round((now() - started) / 100) / 10,
      message,
      fields,
    };
    options.onLine?.(renderJson(entry));
    if (order[level] < order[options.level]) return;
    if (openLine) options.write("\r\u001b[K");
    openLine = false;
    options.write(`${options.format === "json" ? renderJson(entry) : renderText(entry, colours)}\n`);
  };

  return {
    debug: (message, fields) => emit("debug", message, fields),
    info: (message, fields) => emit("info", message, fields),
    warn: (message, fields) => emit("warn", message, fields),
    error: (message, fields) => emit("error", message, fields),
    progress(message, fraction) {
      const percent = `${String(Math.floor(share(fraction) * 100)).padStart(3)} %`;
      if (options.terminal && options.format === "text") {
        options.write(
          `\r\u001b[K${colours.cyan("[MIGRATION]")} ${options.stage} ${bar(fraction)} ${percent} ${message}`,
        );
        openLine = true;
        return;
      }
      if (now() - lastProgress < progressEvery) return;
      lastProgress = now();
      emit("info", `${percent.trim()} ${message}`);
    },
  };
}

const barLength = 20;

function bar(fraction: number): string {
  const done = Math.floor(share(fraction) * barLength);
  return `[${"#".repeat(done)}${".".repeat(barLength - done)}]`;
}

function share(fraction: number): number {
  return Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : 0;
}

/** A logger that drops everything. */
export const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  progress: () => undefined,
};
