import { describeAvailability } from "../probe/availability.js";
import type { FailureDetails } from "../errors.js";
import { section, stagesSection } from "./markdownParts.js";
import { measuredIn } from "./served.js";
import type { Aimed } from "./target.js";
import { type Verdict, verdictOf } from "./verdict.js";

/** The report of a run that was refused, failed or was taken back, as Markdown: verdict, state and what to run next first. */
export function renderRunMarkdown(evidence: Aimed): string {
  const { environment, run, stages } = evidence;
  const verdict = verdictOf(evidence);
  const rows = stages.map((stage) => ({ ...stage, outcome: outcome(stage.error) }));
  const seen = measuredIn(evidence).map(({ during, availability }) => {
    const meanwhile = during === "migrate" ? "While migrations were applied" : "While they were taken back";
    return `${meanwhile}: ${describeAvailability(availability)}.`;
  });
  return `${[
    `# ${verdict.title}: ${environment}, run ${run}`,
    ...said(verdict),
    ...(stages.length === 0 ? [] : [stagesSection(rows, undefined)]),
    ...(seen.length === 0 ? [] : [section("Availability while migrating", seen.join("\n\n"))]),
  ].join("\n\n")}\n`;
}

function said({ text, failure, earlier }: Verdict): string[] {
  if (failure !== undefined)
    return [block(failure.message), `**State.** ${failure.state}`, "**Next.**", block(failure.next)];
  return earlier === undefined ? [text] : [text, "What had failed:", block(earlier.failure.message)];
}

function outcome(error: FailureDetails | undefined): string {
  if (error === undefined) return "done";
  const word =
    error.kind === "refused" || error.kind === "usage"
      ? "refused"
      : error.kind === "interrupted"
        ? "stopped"
        : error.wentBack === true
          ? "failed, taken back"
          : "failed";
  return `${word}: ${error.code}`;
}

/** Text that is shown as it is, whatever is in it: the fence is longer than any in it. */
function block(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}
