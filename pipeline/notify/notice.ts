import { z } from "zod";
import {
  type MigrateResult,
  type NoticeEvent,
  type NotifySettings,
  backupResult,
  migrateResult,
  preflightResult,
} from "../contracts.js";
import type { PipelineError } from "../errors.js";
import { signs } from "../gate/describe.js";

/** What the people who have a stake in a run are told. */
export interface Notice {
  readonly event: NoticeEvent;
  readonly environment: string;
  readonly run: string;
  readonly title: string;
  /** Label and text, in order of interest. */
  readonly facts: readonly (readonly [label: string, text: string])[];
}

export interface Ended {
  readonly stage: string;
  readonly environment: string;
  readonly run: string;
  /** The stage's request, for the results of the stages before it. */
  readonly request: unknown;
  readonly outcome:
    { readonly ok: true; readonly result: unknown } | { readonly ok: false; readonly error: PipelineError };
}

const before = z.object({
  preflight: preflightResult.optional().catch(undefined),
  backup: backupResult.optional().catch(undefined),
  migrate: migrateResult.optional().catch(undefined),
});

/** What restoring and rolling back say of themselves. */
const back = z
  .object({ backup: z.string().optional(), kept: z.string().optional(), moment: z.string().optional() })
  .catch({});

/** How many migrations are named. */
const named = 10;
/** Characters of one fact: an error may quote a whole script. */
const longest = 600;

/**
 * What is to be told now that a stage has ended; `undefined`: nothing. A run starts, for others, once preflight has let it
 * through, and ends with verify.
 */
export function noticeOf(
  ended: Ended,
  settings: Pick<NotifySettings, "events" | "runs">,
  at: Date,
): Notice | undefined {
  const said = ended.outcome.ok
    ? ofSuccess(ended, ended.outcome.result, settings.runs, at)
    : ofFailure(ended, ended.outcome.error);
  if (said === undefined || !settings.events.includes(said.event)) return undefined;
  const facts = said.facts.flatMap(([label, text]) => (text === "" ? [] : [[label, short(text)] as const]));
  return { ...said, facts, environment: ended.environment, run: ended.run };
}

type Said = Pick<Notice, "event" | "title" | "facts">;

function ofSuccess(
  { stage, environment, request }: Ended,
  result: unknown,
  runs: NotifySettings["runs"],
  at: Date,
): Said | undefined {
  switch (stage) {
    case "preflight":
      return started(environment, result, runs);
    case "verify": {
      const { migrate, preflight } = before.parse(request);
      if (migrate === undefined || (runs === "pending" && migrate.applied.length === 0)) return undefined;
      return succeeded(environment, migrate, preflight?.at, at);
    }
    case "restore":
    case "rollback":
    case "recover":
      return backAgain(environment, stage, result);
    default:
      return undefined;
  }
}

function started(environment: string, result: unknown, runs: NotifySettings["runs"]): Said | undefined {
  const parsed = preflightResult.safeParse(result);
  if (!parsed.success) return undefined;
  const { pending, risks, window } = parsed.data;
  if (runs === "pending" && pending.length === 0) return undefined;
  const tiers = new Map(risks?.map(({ migration, tier }) => [migration, tier]));
  const override = window?.override;
  return {
    event: "started",
    title: `${environment}: ${counted(pending.length)} will be applied`,
    facts: [
      ["Migrations", list(pending.map(({ name }) => `${signs[tiers.get(name) ?? "safe"]} ${name}`))],
      ["Outside the window", override === undefined ? "" : `${override.reason} (${override.by})`],
    ],
  };
}

function succeeded(environment: string, migrate: MigrateResult, since: string | undefined, at: Date): Said {
  return {
    event: "succeeded",
    title: `${environment}: ${counted(migrate.applied.length)} applied and verified`,
    facts: [
      ["Migrations", list(migrate.applied.map(({ name }) => name))],
      ["Backup", migrate.backup],
      ["Took", since === undefined ? "" : describeSpan(at.getTime() - Date.parse(since))],
    ],
  };
}

function backAgain(environment: string, stage: string, result: unknown): Said {
  const { backup = "", kept = "", moment } = back.parse(result);
  const restored = moment === undefined ? "restored from a backup" : `restored to ${moment}`;
  return {
    event: "rolledBack",
    title: `${environment}: ${stage === "restore" ? restored : "rolled back"}`,
    facts: [
      ["Backup", backup],
      ["Database before it, kept as", kept],
    ],
  };
}

function ofFailure({ stage, environment }: Ended, error: PipelineError): Said {
  const { kind, code, message, state, next, wentBack } = error;
  const refused = kind === "refused" || kind === "usage";
  const said = `${stage} ${refused ? "refused" : kind === "interrupted" ? "was stopped" : "failed"} (${code})`;
  return {
    event: wentBack === true ? "rolledBack" : refused ? "refused" : "failed",
    title: `${environment}: ${said}${wentBack === true ? ", and the database was taken back to before the run" : ""}`,
    // Below its first line an error of PostgreSQL may quote values of the application's rows.
    facts: [
      ["What", message.split("\n", 1)[0] ?? ""],
      ["State", state],
      ["Next", next],
    ],
  };
}

function counted(migrations: number): string {
  return migrations === 1 ? "1 migration" : `${migrations === 0 ? "no" : migrations} migrations`;
}

function list(names: readonly string[]): string {
  const more = names.length > named ? [`and ${names.length - named} more`] : [];
  return [...names.slice(0, named), ...more].join("\n");
}

function short(text: string): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

/** @param ms milliseconds. */
export function describeSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
