import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { Option } from "commander";
import { assessSince } from "../../components/gate.js";
import { pendingSince } from "../../components/lastRun.js";
import { sinceRefresh } from "../../components/sinceRefresh.js";
import { stageSettings } from "../../config.js";
import type { Approval } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { policyOf } from "../../pipeline/gate/policy.js";
import { describeVerdict } from "../../pipeline/gate/describe.js";
import { readMigrations } from "../../pipeline/prisma/migrations.js";
import { type Known, judge } from "../approve/judge.js";
import { lastOutputs } from "../approve/lastOutputs.js";
import { listApprovals } from "../approve/list.js";
import { whoAmI } from "../approve/person.js";
import { withApproval } from "../approve/stackApprovals.js";
import { commandLine, reason, stackOption } from "./commandLine.js";
import { reportFailure } from "./reportFailure.js";
import { type Target, readTarget } from "./target.js";

/** `npm run approve`: writes into a stack's file who answers for which version of which migration, and why. */

interface Flags {
  readonly stack: string;
  readonly reason?: string;
  readonly tier?: Approval["tier"];
  readonly list?: boolean;
}

async function act(names: readonly string[], flags: Flags): Promise<void> {
  if (names.length === 0 && flags.list !== true) throw noName(flags.stack);
  const target = readTarget(flags.stack);
  const { known, unknown } = await lookUp(target);
  if (unknown !== undefined) {
    say(`What is applied on ${flags.stack} is not known, as the stack's outputs cannot be read: ${unknown}`);
  }
  if (flags.list === true) {
    process.stdout.write(listApprovals(flags.stack, known, target.config.approvals));
    return;
  }
  const why = flags.reason?.trim() ?? (await askReason());
  // All are judged before the first is written.
  const judged = names.map((name) => judge({ environment: flags.stack, name, tier: flags.tier, reason: why }, known));
  const path = join(target.paths.root, `Pulumi.${flags.stack}.yaml`);
  const stamp = { by: whoAmI(target.paths.root), at: new Date().toISOString() };
  const approvals = judged.map((one): Approval => ({ ...one, ...stamp }));
  const before = existsSync(path) ? readFileSync(path, "utf8") : "";
  replace(
    path,
    approvals.reduce((text, approval) => withApproval(text, approval, path), before),
  );
  for (const approval of approvals) {
    say(`${approval.migration}: ${describeVerdict({ kind: "approved", approval })}`);
    say(`  holds for the file with SHA-256 ${approval.checksum}; any change of it loses the approval`);
  }
  say(`Written to ${path}: commit it, then run: npm run preview -- --stack ${flags.stack}`);
}

async function lookUp({ environment, config, paths }: Target): Promise<{ known: Known; unknown?: string }> {
  const folder = await readMigrations(paths.migrations);
  const { last: before, unknown } = await lastOutputs(environment);
  const { last, warning } = config.refresh.from === "" ? { last: before } : await sinceRefresh(environment, before);
  if (warning !== undefined) say(warning);
  const { risk } = stageSettings(config);
  const refs = folder.migrations.map(({ name, checksum }) => ({ name, checksum }));
  const applied = new Set(last?.migrations.map(({ name }) => name));
  const pending = new Set(
    pendingSince(last, refs)
      .map(({ name }) => name)
      .filter((name) => !applied.has(name)),
  );
  const assessed = await assessSince({ folder, last, risk, defaultSchema: config.database.schema }, pending);
  const known = { policy: policyOf(environment, risk), last, folder: refs.map(({ name }) => name), assessed };
  return { known, ...(unknown === undefined ? {} : { unknown }) };
}

/** A person is asked; elsewhere the flag is the only way. */
async function askReason(): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const typed = (await reader.question("Why is it accepted? (kept with the approval) ")).trim();
    return typed === "" ? undefined : typed;
  } finally {
    reader.close();
  }
}

/** Whole or not at all: nobody reads half of it. */
function replace(path: string, text: string): void {
  const beside = `${path}.${process.pid}.new`;
  writeFileSync(beside, text, { flag: "wx" });
  renameSync(beside, path);
}

function noName(stack: string): PipelineError {
  return new PipelineError({
    code: "USAGE",
    kind: "usage",
    message: "No migration was named.",
    state: "Nothing was written.",
    next: `npm run approve -- --stack ${stack} --list shows those that are pending.`,
  });
}

function say(message: string): void {
  process.stderr.write(`${message}\n`);
}

commandLine(
  "approve",
  "Approves pending migrations, each in the version that its file has now, in the stack's own file.",
)
  .argument("[names...]", "names of migrations")
  .addOption(stackOption())
  .addOption(
    new Option("--reason <text>", "why the risk is accepted; asked for where it is left out").argParser(reason),
  )
  .addOption(
    new Option(
      "--tier <tier>",
      "the tier that preflight named, where that is higher than the file alone shows",
    ).choices(["risky", "dangerous"]),
  )
  .option("--list", "show the pending migrations and the approvals")
  .action((names: string[], flags: Flags) => act(names, flags))
  .parseAsync(process.argv)
  .catch(reportFailure);
