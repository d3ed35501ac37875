import type { Action, Option, Verdict } from "../contracts.js";

const words: Readonly<Record<Action, string>> = {
  nothing: "nothing is to be done",
  runAgain: "run again",
  fixAndGoOn: "fix and go on",
  rollBack: "roll back",
  restore: "restore",
  restoreSnapshot: "restore the DB snapshot beside",
  restoreMoment: "restore to the moment before",
};

/** A verdict for a person: what to do and why, then every way that is open, with what it would lose and the command. */
export function describeVerdict({ verdict, why, options }: Verdict): string {
  return [`Verdict: ${words[verdict]}: ${why}.`, ...options.map(describeOption)].join("\n");
}

function describeOption({ action, possible, note, loses, command }: Option): string {
  if (!possible) return `  ${words[action]}: not possible (${note ?? ""})`;
  const lost = loses.length === 0 ? "loses nothing" : `loses: ${loses.join("; ")}`;
  return `  ${words[action]}: ${command}\n    ${lost}${note === undefined ? "" : ` (${note})`}`;
}
