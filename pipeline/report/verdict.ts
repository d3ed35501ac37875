import type { FailureDetails } from "../errors.js";
import { stageWords } from "./words.js";
import type { RunEvidence, StageEvidence } from "./evidence.js";

/** How a run stands, in a word that a table can show. */
export type Standing = "verified" | "warnings" | "refused" | "unchanged" | "changed" | "restored" | "under way";

export interface Verdict {
  readonly standing: Standing;
  readonly title: string;
  /** What happened. */
  readonly text: string;
  /** Set where the run did not end well. */
  readonly failure?: FailureDetails;
  /** What failed before the database was taken back to what it was. */
  readonly earlier?: { readonly stage: string; readonly failure: FailureDetails };
}

/** Stages after which the database is what a backup or an earlier schema was. */
const goingBack: ReadonlySet<string> = new Set(["restore", "rollback", "recover"]);

/** What is to be said first of a run: how its last stage ended. */
export function verdictOf(evidence: RunEvidence): Verdict {
  const { stages, results } = evidence;
  const last = stages.at(-1);
  if (last === undefined)
    return { standing: "under way", title: "Nothing was recorded", text: "No stage has ended yet." };
  if (last.error !== undefined) return ofFailure(last, last.error);
  const failed = stages.find(({ error }) => error !== undefined);
  if (goingBack.has(last.name)) {
    const after =
      failed?.error === undefined ? "" : ` after ${stageWords(failed.name)} had failed (${failed.error.code})`;
    const earlier = failed?.error === undefined ? {} : { earlier: { stage: failed.name, failure: failed.error } };
    const back = results.rollback?.takenBack.map(({ name }) => name) ?? [];
    const beside = last.name === "restore" ? results.restore?.instance : undefined;
    if (beside !== undefined)
      return {
        standing: "under way",
        title: "Restored beside",
        text: `RDS restored instance ${beside.identifier} (${beside.host}:${beside.port}) beside the environment's own, which was not touched.`,
        ...earlier,
      };
    const backup = last.name === "rollback" ? undefined : results.restore?.backup;
    const moment = last.name === "rollback" ? undefined : results.restore?.moment;
    const from = moment !== undefined ? ` to ${moment}` : backup === undefined ? "" : ` from backup ${backup}`;
    if (last.name === "rollback" && back.length > 0)
      return {
        standing: "restored",
        title: "Rolled back",
        text: `Taken back with down.sql: ${back.join(", ")}. Backup ${results.rollback?.backup ?? ""} has what that dropped.`,
        ...earlier,
      };
    return {
      standing: "restored",
      title: last.name === "restore" ? "Restored" : "Rolled back",
      text: `The database was ${last.name === "restore" ? "restored" : "taken back"}${from}${after}.`,
      ...earlier,
    };
  }
  if (last.name === "refresh") {
    const text = "The database has the data of another environment's backup now; the one that was there is kept.";
    return { standing: "restored", title: "Refreshed", text };
  }
  if (last.name !== "verify") {
    return {
      standing: "under way",
      title: last.name === "backup" ? "Backed up" : "Under way, or broken off",
      text: `${capital(stageWords(last.name))} is done; no further stage has ended.`,
    };
  }
  return ofVerified(evidence);
}

function ofVerified({ results: { verify, migrate } }: RunEvidence): Verdict {
  const warnings = verify?.findings.length ?? 0;
  const applied = migrate?.applied.length ?? 0;
  const done =
    applied === 0
      ? "Nothing was pending."
      : `${counted(applied, "migration was", "migrations were")} applied, each whole.`;
  const { migrations, relations } = { migrations: verify?.migrations.length ?? 0, relations: verify?.relations ?? 0 };
  const found = `The database is as its ${migrations} migrations make it: no drift, and no row of ${relations} relations points at nothing.`;
  if (warnings === 0) return { standing: "verified", title: "Verified", text: `${done} ${found}` };
  return {
    standing: "warnings",
    title: `Verified, with ${counted(warnings, "warning", "warnings")}`,
    text: `${done} ${counted(warnings, "finding is", "findings are")} below; none is an error.`,
  };
}

function ofFailure({ name }: StageEvidence, failure: FailureDetails): Verdict {
  const text = failure.message;
  const at = stageWords(name);
  if (failure.wentBack === true)
    return { standing: "restored", title: `Failed in ${at}; taken back to before the run`, text, failure };
  switch (failure.kind) {
    case "refused":
    case "usage":
      return { standing: "refused", title: `Refused by ${at}`, text, failure };
    case "failedUnchanged":
      return { standing: "unchanged", title: `Failed in ${at}; nothing was changed`, text, failure };
    case "interrupted":
      return { standing: "unchanged", title: `Stopped in ${at}`, text, failure };
    case "failedChanged":
      return { standing: "changed", title: `Failed in ${at}, after changes`, text, failure };
    case "defect":
      return { standing: "changed", title: `Failed in ${at}, in a way it should not`, text, failure };
  }
}

export function counted(count: number, one: string, more: string): string {
  return `${count} ${count === 1 ? one : more}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
