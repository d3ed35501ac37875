import type { RunEvidence, StageEvidence } from "../../pipeline/report/evidence.js";
import { type Entry, type Level, renderJson, renderText } from "../../pipeline/log.js";
import type pc from "picocolors";

export interface Wanted {
  /** Only this stage's. */
  readonly stage?: string;
  /** Lines of this level and above. */
  readonly level: Level;
  readonly json: boolean;
}

const order: readonly Level[] = ["debug", "info", "warn", "error"];

/**
 * The lines of a run's logs in order, as they are printed.
 *
 * @param seen how many lines of each stage were printed before; brought up to date.
 */
export function newLines(
  { run, stages, open }: Pick<RunEvidence, "run" | "stages" | "open">,
  wanted: Wanted,
  seen: Map<string, number>,
  colours: ReturnType<typeof pc.createColors>,
): string[] {
  return [...stages, ...open]
    .filter(({ name }) => wanted.stage === undefined || name === wanted.stage)
    .flatMap(({ name, log }) => {
      const key = `${run}/${name}`;
      const fresh = log.slice(seen.get(key) ?? 0);
      seen.set(key, log.length);
      return fresh
        .filter(({ level }) => order.indexOf(level) >= order.indexOf(wanted.level))
        .map((line) => entryOf(line, name, run))
        .map((entry) => (wanted.json ? renderJson(entry) : renderText(entry, colours)));
    });
}

function entryOf(
  { time, level, elapsed, message, ...rest }: StageEvidence["log"][number],
  stage: string,
  run: string,
): Entry {
  const { tag: _tag, stage: _stage, run: _run, ...fields } = rest;
  return { time, level, stage, run, elapsed, message, fields };
}
