import type { Targets } from "../contracts.js";
import type { Store } from "../store/store.js";
import { listBackups } from "../store/listBackups.js";
import { readEvidence } from "./evidence.js";
import { servedIn } from "./served.js";
import { type Aimed, againstTarget, spanOfRun } from "./target.js";
import { type Standing, verdictOf } from "./verdict.js";
import { pageName } from "./write.js";

/** One run in a line. */
export interface RunLine {
  readonly run: string;
  /** Milliseconds since the epoch. */
  readonly started: number;
  readonly durationMs: number;
  readonly standing: Standing;
  readonly title: string;
  /** The stages of it, in order. */
  readonly stages: readonly string[];
  /** How many migrations it applied; absent where it did not come to that. */
  readonly applied?: number;
  /** Whether it was within the time that is aimed at; absent where nothing was pending, and where it did not end well. */
  readonly withinTarget?: boolean;
  /** Time in which the application was refused, in milliseconds; absent where it was not measured. */
  readonly refusedMs?: number;
  readonly databaseBytes?: number;
  readonly backupBytes?: number;
  /** URL of its page, where it has one. */
  readonly page?: string;
}

export interface History {
  readonly environment: string;
  readonly at: number;
  /** Newest first. */
  readonly runs: readonly RunLine[];
  readonly aims: Aims;
  readonly targets: Targets;
  /** When the newest complete backup was made, in milliseconds since the epoch; absent where there is none. */
  readonly newestBackup?: number;
  readonly backups: number;
}

/** How the runs of the last days stand to what is aimed at. */
export interface Aims {
  readonly days: number;
  /** Runs that ended with verify in order, and all that went past preflight and are over. */
  readonly verified: number;
  readonly ended: number;
  readonly refused: number;
  /** Of the runs that have an aim for their time. */
  readonly withinTarget: number;
  readonly withTarget: number;
  /** Sum over the runs, in milliseconds. */
  readonly refusedMs: number;
  /** Share of the days in which the application was not refused because of migrations. */
  readonly availability: number;
  /** The share that is aimed at, in percent. */
  readonly availabilityTargetPercent: number;
  readonly availabilityMet: boolean;
}

/** How many runs are read side by side: a store elsewhere answers many at once. */
const sideBySide = 8;

export interface HistoryOptions {
  /** The days that aims are counted over. */
  readonly days: number;
  readonly at: Date;
  readonly targets: Targets;
}

/** Reads every run of an environment from its store, without its logs and dumps. */
export async function readHistory(
  store: Store,
  environment: string,
  { days, at, targets }: HistoryOptions,
): Promise<History> {
  const folders = (await store.list(environment)).filter((name) => name.endsWith("/")).map((name) => name.slice(0, -1));
  const runs: RunLine[] = [];
  for (let from = 0; from < folders.length; from += sideBySide) {
    const some = folders.slice(from, from + sideBySide);
    const read = await Promise.all(some.map((run) => readEvidence(store, environment, run, { brief: true })));
    runs.push(
      ...read.filter(({ stages }) => stages.length > 0).map((evidence) => lineOf({ ...evidence, targets }, store)),
    );
  }
  runs.sort((a, b) => b.started - a.started);
  const backups = await listBackups(store, environment);
  const newest = backups[0];
  return {
    environment,
    at: at.getTime(),
    runs,
    targets,
    aims: aimsOf(runs, { days, targets, at: at.getTime() }),
    ...(newest === undefined ? {} : { newestBackup: Date.parse(newest.created) }),
    backups: backups.length,
  };
}

export function lineOf(evidence: Aimed, store: Pick<Store, "urlOf">): RunLine {
  const { environment, run, stages, results, files } = evidence;
  const { started, ms } = spanOfRun(evidence);
  const verdict = verdictOf(evidence);
  const well = verdict.standing === "verified" || verdict.standing === "warnings";
  const target = well ? againstTarget(evidence) : undefined;
  const refusedMs = servedIn(evidence)?.refusedMs;
  return {
    run,
    started,
    durationMs: ms,
    standing: verdict.standing,
    title: verdict.title,
    stages: stages.map(({ name }) => name),
    ...(results.migrate === undefined ? {} : { applied: results.migrate.applied.length }),
    ...(target === undefined ? {} : { withinTarget: target.met }),
    ...(refusedMs === undefined ? {} : { refusedMs }),
    ...(results.preflight === undefined ? {} : { databaseBytes: results.preflight.databaseBytes }),
    ...(results.backup === undefined ? {} : { backupBytes: results.backup.bytes }),
    ...(files.includes(pageName) ? { page: store.urlOf(`${environment}/${run}/${pageName}`) } : {}),
  };
}

/** @param at milliseconds since the epoch. */
export function aimsOf(
  runs: readonly RunLine[],
  { days, targets, at }: Pick<HistoryOptions, "days" | "targets"> & { readonly at: number },
): Aims {
  const ms = days * 86_400_000;
  const recent = runs.filter(({ started }) => started > at - ms && started <= at);
  const over = recent.filter(({ standing }) => standing !== "under way" && standing !== "refused");
  // By hand a database is also backed up and restored; that is no migration.
  const ended = over.filter(({ stages }) => stages.includes("migrate") || stages.includes("verify"));
  const withTarget = recent.filter(({ withinTarget }) => withinTarget !== undefined);
  const refusedMs = recent.reduce((sum, run) => sum + (run.refusedMs ?? 0), 0);
  const availability = Math.max(0, 1 - refusedMs / ms);
  return {
    days,
    verified: ended.filter(({ standing }) => standing === "verified" || standing === "warnings").length,
    ended: ended.length,
    refused: recent.filter(({ standing }) => standing === "refused").length,
    withinTarget: withTarget.filter(({ withinTarget }) => withinTarget === true).length,
    withTarget: withTarget.length,
    refusedMs,
    availability,
    availabilityTargetPercent: targets.availabilityPercent,
    availabilityMet: availability * 100 >= targets.availabilityPercent,
  };
}
