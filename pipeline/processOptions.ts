import type { Format, Level } from "./log.js";
import type { RunStageOptions } from "./runStage.js";
import { stopSignal } from "./stopSignal.js";

/** A stage runs for whoever started this process: it logs to standard error, and stops when the process is told to. */
export function processOptions(format: Format, level: Level): RunStageOptions {
  return {
    format,
    level,
    terminal: process.stderr.isTTY,
    write: (text) => process.stderr.write(text),
    signal: stopSignal(),
  };
}
