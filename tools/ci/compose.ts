import { signs } from "../../pipeline/gate/describe.js";
import { type Tier, tiers } from "../../pipeline/risk/types.js";
import type { StackPart } from "./part.js";

/** By its first line the comment is found again. */
export const marker = "<!-- safe-migration: preview of every stack -->";

/** GitHub refuses a body of more than 65 536 characters; some are left for what it counts otherwise. */
const longestBody = 60_000;

export interface Comment {
  /** In the order of promotion; one that has no part could not be previewed. */
  readonly stacks: readonly string[];
  readonly parts: ReadonlyMap<string, StackPart>;
  /** Which commit was looked at, short. */
  readonly commit: string;
  /** The run that has everything in full. */
  readonly runUrl: string;
}

/** The comment of a pull request: a line a stack, and what is to be known of each. What is too long for GitHub is cut, and says so. */
export function composeComment(comment: Comment): string {
  const lengths = [Infinity, 12_000, 6_000, 3_000, 1_000];
  const bodies = lengths.map((length) => () => compose(comment, length));
  for (const body of bodies) {
    const text = body();
    if (text.length <= longestBody) return text;
  }
  return compose(comment, 0);
}

function compose({ stacks, parts, commit, runUrl }: Comment, longest: number): string {
  const rows = stacks.map((stack) => {
    const part = parts.get(stack);
    return `| \`${stack}\` | ${verdictOf(part)} | ${part === undefined ? "not known" : describeMigrations(part)} |`;
  });
  const details = stacks.flatMap((stack) => {
    const part = parts.get(stack);
    return part === undefined ? [] : [describeStack(part, longest)];
  });
  return [
    marker,
    "## Migrations: preview of every stack",
    ["| stack | preview | migrations of this pull request |", "| --- | --- | --- |", ...rows].join("\n"),
    ...details,
    `Commit ${commit}; in full: [the run](${runUrl}).`,
  ].join("\n\n");
}

function verdictOf(part: StackPart | undefined): string {
  if (part === undefined) return "⚠️ could not be made, see the run";
  return part.exitCode === 0 ? "✅ passes" : "❌ fails";
}

function describeMigrations({ migrations }: StackPart): string {
  if (migrations.length === 0) return "none";
  const worst = migrations.reduce<Tier>(
    (tier, one) => (tiers.indexOf(one.tier) > tiers.indexOf(tier) ? one.tier : tier),
    "safe",
  );
  return `${migrations.length}, ${signs[worst]} ${worst}`;
}

function describeStack({ stack, exitCode, said, risk }: StackPart, longest: number): string {
  return [
    `<details${exitCode === 0 ? "" : " open"}><summary><b>${stack}</b>: what it asks, and what its preview says</summary>`,
    cut(risk, longest),
    fenced(cut(said, longest)),
    "</details>",
  ].join("\n\n");
}

/** The first lines of a text, with a code block that the cut has opened closed again. */
function cut(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const kept = text.slice(0, text.lastIndexOf("\n", longest) + 1).trimEnd();
  const open = (kept.match(/^```/gm) ?? []).length % 2 === 1;
  return `${kept}${open ? "\n```" : ""}\n\n… cut here: too long for a comment`.trimStart();
}

/** As a code block whose fence is longer than any in the text: nothing in it becomes markup, link or mention. */
function fenced(text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}
