import { appendFileSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { PipelineError } from "../../pipeline/errors.js";
import { composeComment, marker } from "../ci/compose.js";
import { upsertComment } from "../ci/gitHub.js";
import { readParts, writePart } from "../ci/part.js";
import { previewStack } from "../ci/preview.js";
import { commandLine } from "./commandLine.js";
import { reportFailure } from "./reportFailure.js";

/** `npm run ci:preview` and `ci:comment`: what the workflow of a pull request runs; see docs/ci.md. */

interface PreviewFlags {
  readonly stack: string;
  readonly since: string;
  readonly into: string;
}

async function preview({ stack, since, into }: PreviewFlags): Promise<void> {
  const part = await previewStack(stack, since);
  writePart(fromCaller(into), part);
  const summary = process.env["GITHUB_STEP_SUMMARY"];
  if (summary !== undefined && summary !== "") appendFileSync(summary, `## ${stack}\n\n${part.risk}\n`);
  process.exitCode = part.exitCode;
}

interface CommentFlags {
  readonly from: string;
  readonly stacks: string;
  readonly print?: boolean;
}

/** What GitHub Actions tells a job; `GITHUB_TOKEN` and `PULL_REQUEST` are the workflow's to hand over. */
const variables = z.object({
  GITHUB_API_URL: z.url(),
  GITHUB_REPOSITORY: z.string().regex(/^[\w.-]+\/[\w.-]+$/),
  GITHUB_RUN_ID: z.string().regex(/^\d+$/),
  GITHUB_SERVER_URL: z.url(),
  GITHUB_TOKEN: z.string().min(1),
  PULL_REQUEST: z.string().regex(/^[1-9]\d*$/),
  COMMIT: z.string().regex(/^[0-9a-f]{40}$/),
});

async function comment({ from, stacks, print }: CommentFlags): Promise<void> {
  const parts = readParts(fromCaller(from));
  const names = stacks.split(",").map((name) => name.trim());
  if (print === true) {
    process.stdout.write(`${composeComment({ stacks: names, parts, commit: "(none)", runUrl: "#" })}\n`);
    return;
  }
  const env = variablesOf();
  const body = composeComment({
    stacks: names,
    parts,
    commit: env.COMMIT.slice(0, 7),
    runUrl: `${env.GITHUB_SERVER_URL}/${env.GITHUB_REPOSITORY}/actions/runs/${env.GITHUB_RUN_ID}`,
  });
  const pull = { api: env.GITHUB_API_URL, repository: env.GITHUB_REPOSITORY, token: env.GITHUB_TOKEN };
  const done = await upsertComment({ ...pull, number: Number(env.PULL_REQUEST) }, marker, body);
  process.stderr.write(`The comment of pull request ${env.PULL_REQUEST} was ${done}.\n`);
}

function variablesOf(): z.infer<typeof variables> {
  const parsed = variables.safeParse(process.env);
  if (parsed.success) return parsed.data;
  const names = [...new Set(parsed.error.issues.map(({ path }) => String(path[0])))];
  throw new PipelineError({
    code: "CI_VARIABLES",
    kind: "usage",
    message: `Not set, or not as GitHub Actions sets it: ${names.join(", ")}.`,
    state: "No comment was written.",
    next: "Run it from .github/workflows/pull-request.yml; to see the comment here, add --print.",
  });
}

/** npm runs scripts in the checkout's root; a path is meant from where the person is. */
function fromCaller(path: string): string {
  return resolve(process.env["INIT_CWD"] ?? process.cwd(), path);
}

const previewCommand = commandLine(
  "ci:preview",
  "Previews a stack and judges the migrations of a git range; writes both as DIR/STACK.json.",
  { defect: "or the preview failed" },
)
  .requiredOption("--stack <name>", "the stack")
  .requiredOption("--since <range>", "git range A..B of the pull request")
  .requiredOption("--into <dir>", "folder to write to")
  .action((flags: PreviewFlags) => preview(flags));
const commentCommand = commandLine("ci:comment", "Writes the one comment of a pull request from what ci:preview wrote.")
  .requiredOption("--from <dir>", "folder with what ci:preview wrote")
  .requiredOption("--stacks <names>", "the stacks that were to be previewed, with commas, in the order of promotion")
  .option("--print", "print the comment instead")
  .action((flags: CommentFlags) => comment(flags));

const [name, ...args] = process.argv.slice(2);
const asked = name === "preview" ? previewCommand : commentCommand;
asked.parseAsync(args, { from: "user" }).catch(reportFailure);
