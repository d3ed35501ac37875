import { InvalidArgumentError, type Option } from "commander";
import { backupsResult, statusResult, verdictResult } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { npmRun } from "../../pipeline/npmRun.js";
import { renderMetrics } from "../../pipeline/report/metrics.js";
import { type StageName, stages } from "../../pipeline/stages/index.js";
import { describeVerdict } from "../../pipeline/verdict/describe.js";
import { flag, wholeNumber } from "./commandLine.js";
import { describeBackups } from "./describeBackups.js";
import { describeDiagnosis, describeRepair } from "./describeDiagnosis.js";

/** Flags that only some commands take. */
export interface StageFlags {
  readonly environment: string;
  readonly backup?: string;
  readonly run?: string;
  readonly checkpoint?: string;
  readonly into?: string;
  readonly at?: string;
  readonly dbSnapshot?: boolean;
  readonly list?: boolean;
  readonly verify?: boolean;
  readonly name?: string;
  readonly remove?: string;
  readonly apply?: boolean;
  readonly quick?: boolean;
  readonly steps?: number;
  readonly to?: string;
  readonly system?: string;
  readonly metrics?: boolean;
}

/** A stage to run, and what its request has beside what every stage is told. */
export interface Asked {
  readonly stage: StageName;
  readonly more?: object;
}

/** A command that people type: its flags, and the stage that they ask for. */
export interface ByHand {
  readonly summary: string;
  readonly options: readonly Option[];
  ask(flags: StageFlags): Asked;
  /** The result for a person; `undefined`: as any other. */
  describe?(result: unknown, flags: StageFlags): string | undefined;
}

/** As {@link describeBackups}, for commands that list backups when asked. */
function describeList(result: unknown): string | undefined {
  const listed = backupsResult.safeParse(result);
  return listed.success ? describeBackups(listed.data) : undefined;
}

function plain(stage: StageName): ByHand {
  return { summary: stages[stage].summary, options: [], ask: () => ({ stage }) };
}

const listOptions = [
  flag("--list", "show the backups, and restore none"),
  flag("--verify", "with --list: read every byte of each again"),
];
const into = () => flag("--into <database>", "restore into a new database of this name, and leave the other as it is");

const at = () =>
  flag(
    "--at <time>",
    "the database as it was at this moment, e.g. 2026-01-31T14:05:00Z; from the archived log",
  ).argParser(moment);

const restoreByHand: ByHand = {
  summary: stages.restore.summary,
  options: [
    flag("--backup <id>", "identifier of a backup, or newest (which is the default)"),
    flag("--run <run>", "the newest backup that this run made"),
    flag("--checkpoint <name>", "the checkpoint of this name, or newest"),
    at(),
    into(),
    flag("--db-snapshot", "the DB snapshot that was made beside the backup, as an instance of RDS of its own"),
    ...listOptions,
  ],
  ask({ list, verify, backup, run, checkpoint, at: time, into: name, dbSnapshot }) {
    if (list === true || verify === true) return { stage: "backups", more: { verify: verify === true } };
    return { stage: "restore", more: given({ backup, ofRun: run, checkpoint, at: time, into: name, dbSnapshot }) };
  },
  describe: describeList,
};

const recoverByHand: ByHand = {
  summary: stages.recover.summary,
  options: [
    flag("--backup <id>", "identifier of a backup, or newest (which is the default)"),
    flag("--run <run>", "the newest backup that this run made"),
    flag("--checkpoint <name>", "the checkpoint of this name, or newest"),
    at(),
  ],
  ask: ({ backup, run, checkpoint, at: time }) => ({
    stage: "recover",
    more: given({ backup, ofRun: run, checkpoint, at: time }),
  }),
};

const quick = () => flag("--quick", "do not read every table and index for corruption");

const restoreCheckpoint: ByHand = {
  summary: "restores the newest checkpoint, the one that is named, or a moment, as restore does",
  options: [flag("--name <name>", "the checkpoint; default: the newest"), at(), into()],
  ask: ({ name, at: time, into: database }) => ({
    stage: "restore",
    more: given({ checkpoint: name ?? (time === undefined ? "newest" : undefined), at: time, into: database }),
  }),
};

const checkpointByHand: ByHand = {
  summary: stages.checkpoint.summary,
  options: [
    flag("--name <name>", "letters, digits, - and _; each name is there once"),
    flag("--remove <name>", "remove this checkpoint, which nothing else does"),
    flag("--list", "show the backups, checkpoints among them"),
  ],
  ask({ environment, name, remove, list }) {
    if (list === true) return { stage: "backups", more: {} };
    if ((name === undefined) === (remove === undefined)) throw nameOne(environment);
    return remove === undefined
      ? { stage: "checkpoint", more: { name } }
      : { stage: "checkpoint", more: { name: remove, action: "remove" } };
  },
  describe: describeList,
};

const rollbackByHand: ByHand = {
  summary: stages.rollback.summary,
  options: [
    flag("--steps <n>", "how many migrations, the newest first; default: 1").argParser(wholeNumber()),
    flag("--to <migration>", "all that were applied after this one"),
  ],
  ask: ({ steps, to }) => ({ stage: "rollback", more: given({ steps, to }) }),
};

const verdictByHand: ByHand = {
  summary: stages.verdict.summary,
  options: [flag("--backup <id>", "the backup to compare with; default: the newest")],
  ask: ({ backup }) => ({ stage: "verdict", more: given({ backup }) }),
  describe(result) {
    const judged = verdictResult.safeParse(result);
    return judged.success ? `${describeVerdict(judged.data)}\n` : undefined;
  },
};

const acceptByHand: ByHand = {
  summary: stages.accept.summary,
  options: [
    flag("--system <identifier>", "system identifier of the server, as the refusal says it").makeOptionMandatory(),
  ],
  ask: ({ system }) => ({ stage: "accept", more: given({ system }) }),
};

const statusByHand: ByHand = {
  ...plain("status"),
  options: [flag("--metrics", "print it in the OpenMetrics text format, for a scraper's file collector")],
  describe: (result, { metrics }) =>
    metrics === true ? renderMetrics(statusResult.parse(result), new Date()) : undefined,
};

/** A moment that means the same everywhere. @returns it in UTC */
export function moment(text: string): string {
  const withZone = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})$/.test(text);
  const time = new Date(text);
  if (!withZone || Number.isNaN(time.getTime()))
    throw new InvalidArgumentError("A moment with its time zone, such as 2026-01-31T14:05:00Z or …T15:05:00+01:00.");
  return time.toISOString();
}

/** The commands that run one stage, by the name that `npm run db:` has before it. */
export const byHand: Readonly<Record<string, ByHand>> = {
  backup: plain("backup"),
  restore: restoreByHand,
  "restore:checkpoint": restoreCheckpoint,
  checkpoint: checkpointByHand,
  rollback: rollbackByHand,
  verdict: verdictByHand,
  recover: recoverByHand,
  accept: acceptByHand,
  diagnose: {
    summary: stages.diagnose.summary,
    options: [quick()],
    ask: ({ quick: isQuick }) => ({ stage: "diagnose", more: { quick: isQuick === true } }),
    describe: describeDiagnosis,
  },
  repair: {
    summary: stages.repair.summary,
    options: [flag("--apply", "do it; without it, the plan with its SQL is shown"), quick()],
    ask: ({ apply, quick: isQuick }) => ({ stage: "repair", more: { apply: apply === true, quick: isQuick === true } }),
    describe: describeRepair,
  },
  verify: plain("verify"),
  preflight: plain("preflight"),
  status: statusByHand,
  health: plain("health"),
};

function given(fields: Readonly<Record<string, string | number | boolean | undefined>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function nameOne(environment: string): PipelineError {
  return new PipelineError({
    code: "USAGE",
    kind: "usage",
    message: "A checkpoint needs a name: --name makes one, --remove removes one.",
    state: "Nothing was touched.",
    next: `Run: ${npmRun(environment, "db:checkpoint", "--name", "before-sale")}`,
  });
}
