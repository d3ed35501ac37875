import { exitCodes } from "./errors.js";

const meanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: "done",
  defect: "a defect of this program; what was changed is not known",
  usage: "request or configuration wrong; nothing was touched",
  refused: "refused before anything was touched",
  failedUnchanged: "failed; everything is as it was",
  failedChanged: "failed after something was changed",
  interrupted: "stopped by a signal",
};

/** The exit codes with their meanings for a help text, a line each. */
export function describeExitCodes(): string {
  return Object.entries(exitCodes)
    .map(([kind, code]) => `  ${String(code).padStart(3)}  ${meanings[kind as keyof typeof exitCodes]}`)
    .join("\n");
}
