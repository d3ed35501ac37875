import { writeSync } from "node:fs";
import { parseArgs } from "node:util";
import { PipelineError, exitCodes, messageOf } from "../../pipeline/errors.js";
import { assessFiles } from "../../pipeline/risk/assessFiles.js";
import { type FileToJudge, filesToJudge } from "../../pipeline/risk/files.js";
import { type FileRisk, type Tier, defaultLargeTableBytes, tiers } from "../../pipeline/risk/types.js";

/**
 * `npm run risk`: the risk of migrations, read from their SQL. Started often and on many files, so it loads only what the asked
 * output needs.
 */

const usage = `Usage: npm run risk -- [options] [FILE…]

Judges migrations by PostgreSQL's own parse tree, after the migrations before them in their folder. No database is asked
for the verdict. Without FILE: the migrations that the local stack's database has not applied, all where it cannot be reached.

  --json             one JSON array, one entry a file
  --sarif            SARIF 2.1.0, for code scanning
  --github           annotations of GitHub Actions
  --history DIR      the migrations folder that the files come after
  --since REV        the migrations that differ from a git revision
  --postgres N       major version of the server (default 15)
  --large BYTES      size from which a table is large (default ${defaultLargeTableBytes})
  --schema NAME      schema of unqualified names (default public)
  --fail-on TIER     risky or dangerous: exit code ${exitCodes.refused} where a file is of that tier or above (default: never)

Exit codes: ${exitCodes.ok} judged, ${exitCodes.usage} usage or unreadable file, ${exitCodes.refused} a file is at or above --fail-on`;

const flags = {
  json: { type: "boolean" },
  sarif: { type: "boolean" },
  github: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  history: { type: "string" },
  since: { type: "string" },
  postgres: { type: "string", default: "15" },
  large: { type: "string", default: String(defaultLargeTableBytes) },
  schema: { type: "string", default: "public" },
  "fail-on": { type: "string" },
} as const;

function parse(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: flags, allowPositionals: true });
    return { values, files: positionals };
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
  const failOn = tierOf(values["fail-on"]);
  if ([values.json, values.sarif, values.github].filter((flag) => flag === true).length > 1) {
    throw usageError("--json, --sarif and --github are three outputs; name one.");
  }
  const options = {
    postgresMajor: wholeNumber("postgres", values.postgres),
    largeTableBytes: wholeNumber("large", values.large),
    defaultSchema: values.schema,
  };
  const risks = await assessFiles(await choose(files, values), options);
  print(`${await render(risks, values)}\n`);
  if (failOn !== undefined && risks.some(({ tier }) => tiers.indexOf(tier) >= tiers.indexOf(failOn))) {
    process.exitCode = exitCodes.refused;
  }
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

async function choose(files: readonly string[], values: { history?: string; since?: string }): Promise<FileToJudge[]> {
  if (files.length > 0) {
    if (values.since !== undefined) throw usageError("--since chooses the files; leave FILE out.");
    return filesToJudge(files, values.history);
  }
  // Configuration, git and the database are loaded only where they decide which files are meant.
  const { projectFiles } = await import("./riskProject.js");
  return filesToJudge(await projectFiles(values.since), values.history);
}

async function render(
  risks: readonly FileRisk[],
  { json, sarif, github }: { json?: boolean; sarif?: boolean; github?: boolean },
): Promise<string> {
  if (json === true) return (await import("../../pipeline/risk/output/json.js")).renderJson(risks);
  if (sarif === true) return (await import("../../pipeline/risk/output/sarif.js")).renderSarif(risks);
  if (github === true) return (await import("../../pipeline/risk/output/github.js")).renderGithub(risks);
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
