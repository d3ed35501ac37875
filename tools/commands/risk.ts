import { writeSync } from "node:fs";
import { parseArgs } from "node:util";
import { PipelineError, exitCodes, messageOf } from "../../pipeline/errors.js";
import { assessFiles } from "../../pipeline/risk/assessFiles.js";
import { type FileToJudge, filesToJudge } from "../../pipeline/risk/files.js";
import {
  type FileRisk,
  type RiskOptions,
  type Tier,
  defaultLargeTableBytes,
  tiers,
} from "../../pipeline/risk/types.js";
import type { ProjectFiles } from "./riskProject.js";

/**
 * `npm run risk`: the risk of migrations, read from their SQL. Started often and on many files, so it loads only what the asked
 * output needs.
 */

const usage = `Usage: npm run risk -- [options] [FILE…]

Judges migrations by PostgreSQL's own parse tree, after the migrations before them in their folder. No database is asked
for the verdict. FILE: a script, a migration's folder or a migrations folder. Without FILE: the migrations that the stack's
database has not applied, all where it cannot be reached.

  --json             one JSON array, one entry a file
  --sarif            SARIF 2.1.0, for code scanning
  --github           annotations of GitHub Actions
  --markdown         the comment for a pull request: what the stack asks, and how to approve
  --history DIR      the migrations folder that the files come after
  --since REV        the migrations that differ from a git revision; A..B: that differ between both
  --stack NAME       the stack whose project, settings and approvals count (default: as NODE_ENV says)
  --postgres N       major version of the server (default 15)
  --large BYTES      size from which a table is large (default: the stack's risk.largeTableBytes, ${defaultLargeTableBytes} for FILE)
  --schema NAME      schema of unqualified names (default: the stack's database.schema, public for FILE)
  --rewrite NAME     writes the safe series for a migration of the project beside it (expand, fill, prove, contract), makes the
                     Prisma schema what it has to be, and holds what is for a later release
  --release NAME     what was held of the series for NAME: into the migrations folder, and the schema with it
  --until N          with --rewrite or --release: up to step N only
  --fail-on TIER     risky or dangerous: exit code ${exitCodes.refused} where a file is of that tier or above (default: never)

Exit codes: ${exitCodes.ok} judged, ${exitCodes.usage} usage or unreadable file, ${exitCodes.refused} a file is at or above --fail-on`;

const flags = {
  json: { type: "boolean" },
  sarif: { type: "boolean" },
  github: { type: "boolean" },
  markdown: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  history: { type: "string" },
  since: { type: "string" },
  stack: { type: "string" },
  environment: { type: "string" },
  postgres: { type: "string", default: "15" },
  large: { type: "string" },
  schema: { type: "string" },
  rewrite: { type: "string" },
  release: { type: "string" },
  until: { type: "string" },
  "fail-on": { type: "string" },
} as const;

function parse(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: flags, allowPositionals: true });
    // The other word for --stack, here as in every command.
    return { values: { ...values, stack: values.stack ?? values.environment }, files: positionals };
  } catch (error) {
    throw usageError(messageOf(error));
  }
}

function usageError(message: string): PipelineError {
  const next = "npm run risk -- --help";
  return new PipelineError({ code: "RISK_USAGE", kind: "usage", message, state: "Nothing was touched.", next });
}

function wholeNumber(flag: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw usageError(`--${flag} takes a whole number from 1 on, not "${text}".`);
  return Number(text);
}

function tierOf(text: string | undefined): Tier | undefined {
  if (text === undefined) return undefined;
  const tier = tiers.find((name) => name === text);
  if (tier === undefined || tier === "safe") throw usageError(`--fail-on takes risky or dangerous, not "${text}".`);
  return tier;
}

async function main(args: readonly string[]): Promise<void> {
  const { values, files } = parse(args);
  if (values.help === true) {
    print(`${usage}\n`);
    return;
  }
  if (values.rewrite !== undefined || values.release !== undefined) {
    print(`${await series(files, values)}\n`);
    return;
  }
  if (values.until !== undefined) throw usageError("--until goes with --rewrite or --release.");
  const failOn = tierOf(values["fail-on"]);
  if ([values.json, values.sarif, values.github, values.markdown].filter((flag) => flag === true).length > 1) {
    throw usageError("--json, --sarif, --github and --markdown are different outputs; name one.");
  }
  const postgresMajor = wholeNumber("postgres", values.postgres);
  const large = values.large === undefined ? {} : { largeTableBytes: wholeNumber("large", values.large) };
  const chosen = await choose(files, values);
  const options: RiskOptions = {
    ...{ largeTableBytes: defaultLargeTableBytes, ...chosen.options },
    postgresMajor,
    ...large,
    ...(values.schema === undefined ? {} : { defaultSchema: values.schema }),
  };
  const risks = await assessFiles(chosen.files, options);
  print(`${await render(chosen.files, risks, values)}\n`);
  if (failOn !== undefined && risks.some(({ tier }) => tiers.indexOf(tier) >= tiers.indexOf(failOn))) {
    process.exitCode = exitCodes.refused;
  }
}

/** Writes the safe series for a migration, or more of one. */
async function series(files: readonly string[], { rewrite, release, until, stack }: Values): Promise<string> {
  const name = rewrite ?? release ?? "";
  if (files.length > 0) throw usageError("--rewrite and --release name the migration; leave FILE out.");
  if (rewrite !== undefined && release !== undefined) throw usageError("--rewrite comes before --release; name one.");
  const last = until === undefined ? undefined : wholeNumber("until", until);
  const { releaseMigration, rewriteMigration } = await import("./riskProject.js");
  return (rewrite === undefined ? releaseMigration : rewriteMigration)(name, stack, last);
}

/** Straight to the descriptor: Node's stream costs a tenth of the start, and loses what is not yet written when the process ends. */
function print(text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Nobody reads on, e.g. `| head`.
      if (code === "EPIPE") return;
      if (code !== "EAGAIN") throw error;
      // A pipe that is full and does not block.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

type Values = ReturnType<typeof parse>["values"];

async function choose(
  files: readonly string[],
  values: Values,
): Promise<ProjectFiles | { files: FileToJudge[]; options?: undefined }> {
  if (files.length > 0) {
    if (values.since !== undefined) throw usageError("--since chooses the files; leave FILE out.");
    return { files: filesToJudge(files, values.history) };
  }
  if (values.history !== undefined) throw usageError("--history says what comes before FILE; name a FILE.");
  // Configuration, git and the database are loaded only where they decide which files are meant.
  const { projectFiles } = await import("./riskProject.js");
  return projectFiles(values.stack, values.since);
}

async function render(files: readonly FileToJudge[], risks: readonly FileRisk[], values: Values): Promise<string> {
  if (values.json === true) return (await import("../../pipeline/risk/output/json.js")).renderJson(risks);
  if (values.sarif === true) return (await import("../../pipeline/risk/output/sarif.js")).renderSarif(risks);
  if (values.github === true) return (await import("../../pipeline/risk/output/github.js")).renderGithub(risks);
  if (values.markdown === true) {
    return (await import("./riskProject.js")).renderComment(values.stack, files, risks);
  }
  const { renderTable } = await import("../../pipeline/risk/output/table.js");
  const colours = process.stdout.isTTY && process.env["NO_COLOR"] === undefined;
  return renderTable(risks, { width: process.stdout.columns || 120, colours });
}

main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof Error && error.name === "PipelineError")) throw error;
  const failure = error as PipelineError;
  process.stderr.write(`${failure.message}\n\nState: ${failure.state}\nNext:  ${failure.next}\n`);
  process.exitCode = exitCodes[failure.kind];
});
