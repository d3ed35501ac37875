import { exitCodes } from "./errors.js";

/** What each exit code means; `docs/commands.md` has the same words. */
export const meanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: "done",
  defect: "a defect of this program; what was changed is not known",
  usage: "request, flag or configuration wrong; nothing was touched",
  refused: "refused before anything was touched",
  failedUnchanged: "failed; everything is as it was",
  failedChanged: "failed after something was changed",
  interrupted: "stopped by a signal; what it was doing was rolled back",
};

/** The exit codes with their meanings for a help text, a line each. @param more what one of them means besides in a command */
export function describeExitCodes(more: Partial<Record<keyof typeof exitCodes, string>> = {}): string {
  return Object.entries(exitCodes)
    .map(([name, code]) => {
      const kind = name as keyof typeof exitCodes;
      const besides = more[kind];
      return `  ${String(code).padStart(3)}  ${meanings[kind]}${besides === undefined ? "" : `; ${besides}`}`;
    })
    .join("\n");
}
