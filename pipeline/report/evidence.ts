import { z } from "zod";
import {
  type BackupResult,
  type Measured,
  type MigrateResult,
  type PreflightResult,
  type RehearseResult,
  type RestoreResult,
  type RollbackResult,
  type VerifyResult,
  backupResult,
  measuredSchema,
  migrateResult,
  preflightResult,
  rehearseResult,
  restoreResult,
  rollbackResult,
  verifyResult,
} from "../contracts.js";
import type { FailureDetails } from "../errors.js";
import { parseJson } from "../json.js";
import { type Manifest, manifestName, parseManifest } from "../store/manifest.js";
import type { Store } from "../store/store.js";
import { type Note, notesName, parseNotes } from "./notes.js";

/** What a stage left in its run's folder. */
export interface StageEvidence {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly started: number;
  readonly durationMs: number;
  /** Absent where the stage did what it was asked to. */
  readonly error?: FailureDetails;
  /** Of a stage that failed: what the application met up to then, where that was measured. */
  readonly measured?: readonly Measured[];
  readonly log: readonly LogLine[];
}

/** The results of the stages that ended well and whose form is known. */
export interface Results {
  readonly preflight?: PreflightResult;
  readonly backup?: BackupResult;
  readonly rehearse?: RehearseResult;
  readonly migrate?: MigrateResult;
  readonly verify?: VerifyResult;
  readonly restore?: RestoreResult;
  readonly rollback?: RollbackResult;
}

export interface RunEvidence {
  readonly environment: string;
  readonly run: string;
  /** In the order in which they began. */
  readonly stages: readonly StageEvidence[];
  /** Logs of stages that have left no result: they are running, or were killed. Left out of what is brief. */
  readonly open: readonly Pick<StageEvidence, "name" | "log">[];
  readonly results: Results;
  /** Of the run's backup, where it was complete and can be trusted. */
  readonly manifest?: Manifest;
  readonly notes: readonly Note[];
  /** Names of the files in the folder. */
  readonly files: readonly string[];
}

const logLine = z.looseObject({
  time: z.string(),
  level: z.enum(["debug", "info", "warn", "error"]),
  elapsed: z.number(),
  message: z.string(),
});
export type LogLine = z.infer<typeof logLine>;

const failure = z.object({
  code: z.string(),
  kind: z.enum(["defect", "usage", "refused", "failedUnchanged", "failedChanged", "interrupted"]),
  message: z.string(),
  state: z.string(),
  next: z.string(),
  wentBack: z.boolean().default(false),
});
const record = z.union([
  z.object({ ok: z.literal(true), result: z.looseObject({ at: z.iso.datetime(), durationMs: z.number() }) }),
  // What was measured is of use only in a known form; the failure is told in any case.
  z.object({ ok: z.literal(false), error: failure, measured: z.array(measuredSchema).default([]).catch([]) }),
]);

/** Files of a run's folder that are no stage's result. */
const otherFiles: ReadonlySet<string> = new Set([manifestName, notesName]);

export interface ReadOptions {
  /** Leaves logs and manifest, which are big, in the store. */
  readonly brief?: boolean;
}

/** Reads what the stages of a run left. What is damaged or of an unknown form is left out: a report shows what there is. */
export async function readEvidence(
  store: Store,
  environment: string,
  run: string,
  { brief = false }: ReadOptions = {},
): Promise<RunEvidence> {
  const folder = `${environment}/${run}`;
  const files = (await store.list(folder)).filter((name) => !name.endsWith("/"));
  const names = files
    .filter((name) => name.endsWith(".json") && !otherFiles.has(name))
    .map((name) => name.slice(0, -5));
  const read = async (name: string) => (files.includes(name) ? await store.read(`${folder}/${name}`) : undefined);
  const stages: StageEvidence[] = [];
  const results: Record<string, unknown> = {};
  for (const name of names) {
    const parsed = record.safeParse(parseJson(await read(`${name}.json`)));
    if (!parsed.success) continue;
    const log = brief && parsed.data.ok ? [] : parseLog(await read(`${name}.log`));
    if (parsed.data.ok) {
      const { result } = parsed.data;
      results[name] = result;
      stages.push({ name, started: Date.parse(result.at), durationMs: result.durationMs, log });
    } else {
      const { error, measured } = parsed.data;
      stages.push({ name, ...spanOf(log), error, measured, log });
    }
  }
  const open: Pick<StageEvidence, "name" | "log">[] = [];
  for (const name of brief ? [] : files.flatMap((file) => (file.endsWith(".log") ? [file.slice(0, -4)] : [])))
    if (!stages.some((stage) => stage.name === name)) open.push({ name, log: parseLog(await read(`${name}.log`)) });
  const manifest = brief ? undefined : readManifest(await read(manifestName), store.urlOf(`${folder}/${manifestName}`));
  return {
    environment,
    run,
    stages: stages.sort((a, b) => a.started - b.started),
    open,
    results: known(results),
    ...(manifest === undefined ? {} : { manifest }),
    notes: parseNotes(await read(notesName)),
    files,
  };
}

const schemas = {
  preflight: preflightResult,
  backup: backupResult,
  rehearse: rehearseResult,
  migrate: migrateResult,
  verify: verifyResult,
  restore: restoreResult,
  rollback: rollbackResult,
};

function known(results: Readonly<Record<string, unknown>>): Results {
  const entries = Object.entries(schemas).flatMap(([name, schema]) => {
    const parsed = schema.safeParse(results[name]);
    return parsed.success ? [[name, parsed.data] as const] : [];
  });
  return Object.fromEntries(entries);
}

/** From the log of a stage that failed, whose record has no times. */
function spanOf(log: readonly LogLine[]): { started: number; durationMs: number } {
  const [first, last] = [log[0], log.at(-1)];
  if (first === undefined || last === undefined) return { started: 0, durationMs: 0 };
  const started = Date.parse(first.time) - first.elapsed * 1_000;
  return { started, durationMs: Math.max(0, Date.parse(last.time) - started) };
}

function parseLog(text: string | undefined): LogLine[] {
  return (text ?? "").split("\n").flatMap((line) => {
    const parsed = logLine.safeParse(parseJson(line));
    return parsed.success ? [parsed.data] : [];
  });
}

function readManifest(text: string | undefined, where: string): Manifest | undefined {
  if (text === undefined) return undefined;
  try {
    return parseManifest(text, where);
  } catch {
    // Whoever restores from it is told; a report does without.
    return undefined;
  }
}
