import { z } from "zod";
import type { StageContext } from "./context.js";
import type { Measured } from "./contracts.js";
import { PipelineError, messageOf } from "./errors.js";
import { LiveLog, type LogSink } from "./logs/liveLog.js";
import { type Format, type Level, type Logger, createLogger } from "./log.js";
import { aimed } from "./npmRun.js";

/** A stage as the CLI knows it. */
export interface Stage<Request extends { run: string; environment: string }, Result> {
  readonly name: string;
  readonly summary: string;
  readonly request: z.ZodType<Request>;
  run(request: Request, context: StageContext): Promise<Result>;
  /** Keeps result and log in the run's folder of the store; absent for stages that leave no evidence. */
  readonly keepEvidence?: (request: Request, files: Readonly<Record<string, string>>) => Promise<void>;
  /** Places that the log is kept in while the stage runs, beside the evidence that follows. */
  readonly sinks?: (request: Request) => readonly LogSink[];
  /** What is done once the stage has ended and its evidence is kept; what goes wrong in it does not change the outcome. */
  readonly conclude?: (request: Request, outcome: Outcome<Result>, log: Logger) => Promise<void>;
}

export interface RunStageOptions {
  readonly format: Format;
  readonly level: Level;
  readonly terminal: boolean;
  readonly write: (text: string) => void;
  readonly signal: AbortSignal;
}

export type Outcome<Result> =
  { readonly ok: true; readonly result: Result } | { readonly ok: false; readonly error: PipelineError };

/**
 * Runs one stage from its raw request to its outcome: parses, logs, keeps the evidence. Every failure comes back as a
 * {@link PipelineError}; what was not foreseen as a defect, with its stack in the log.
 */
export async function runStage<Request extends { run: string; environment: string }, Result>(
  stage: Stage<Request, Result>,
  rawRequest: unknown,
  options: RunStageOptions,
): Promise<Outcome<Result>> {
  const parsed = stage.request.safeParse(rawRequest);
  if (!parsed.success) {
    const error = badRequest(stage.name, parsed.error);
    logFailure(createLogger({ ...options, stage: stage.name, run: "-" }), error);
    return { ok: false, error };
  }
  const request = parsed.data;
  const live = new LiveLog(stage.sinks?.(request) ?? []);
  const log = createLogger({
    ...options,
    stage: stage.name,
    run: request.run,
    onLine: (line) => live.add(line),
  });
  const measured: Measured[] = [];
  let outcome: Outcome<Result>;
  try {
    const context: StageContext = { log, signal: options.signal, measured: (figures) => measured.push(figures) };
    outcome = { ok: true, result: await stage.run(request, context) };
  } catch (thrown) {
    const error = forEnvironment(request.environment, toPipelineError(thrown, stage.name, options.signal));
    logFailure(log, error);
    if (error.kind === "defect" && thrown instanceof Error) log.debug(thrown.stack ?? "");
    outcome = { ok: false, error };
  }
  // The stage's own outcome counts; what cannot be kept or told afterwards is said, not thrown.
  const afterwards = async (what: string, work: () => Promise<void> | undefined) => {
    try {
      await work();
    } catch (error) {
      log.warn(`${what}: ${messageOf(error)}`);
    }
  };
  const keep = (files: Readonly<Record<string, string>>) =>
    afterwards("The evidence of this stage could not be kept in the store", () => stage.keepEvidence?.(request, files));
  const logFile = () => ({ [`${stage.name}.log`]: `${live.lines.join("\n")}\n` });
  await live.settle();
  const record = outcome.ok
    ? { ok: true, result: outcome.result }
    : { ok: false, error: outcome.error, ...(measured.length === 0 ? {} : { measured }) };
  await keep({ [`${stage.name}.json`]: `${JSON.stringify(record, null, 2)}\n`, ...logFile() });
  const said = live.lines.length;
  await afterwards("After the stage", () => stage.conclude?.(request, outcome, log));
  if (live.lines.length > said) await keep(logFile());
  for (const failure of await live.end()) log.warn(`The log of this stage could not be kept in ${failure}`);
  return outcome;
}

/** A failure whose commands are for the environment that it happened in. */
function forEnvironment(environment: string, error: PipelineError): PipelineError {
  const { code, kind } = error;
  const [message, state, next] = [error.message, error.state, error.next].map((text) => aimed(environment, text));
  if (message === error.message && state === error.state && next === error.next) return error;
  const details = { code, kind, message: message ?? "", state: state ?? "", next: next ?? "" };
  return new PipelineError(details, { cause: error });
}

function logFailure(log: Logger, { message, code, state, next }: PipelineError): void {
  log.error(message, { code, state, next });
}

/** Looks at some fields of a request, before it is known what the others are. @throws PipelineError (`usage`) */
export function checkFields(
  { name, request }: { readonly name: string; readonly request: z.ZodType },
  fields: object,
): void {
  const { error } = request.safeParse(fields);
  const issues = error?.issues.filter(({ path: [first] }) => typeof first === "string" && first in fields) ?? [];
  const next = `Mend it, then run the same command; what it takes: npm run db -- help ${name}`;
  if (issues.length > 0) throw badRequest(name, new z.ZodError(issues), next);
}

function badRequest(
  stage: string,
  error: z.ZodError,
  next = `Mend the request, then run the same command (safe-migration ${stage} --help).`,
): PipelineError {
  return new PipelineError({
    code: "BAD_REQUEST",
    kind: "usage",
    message: `${stage}: the request is wrong:\n${z.prettifyError(error)}`,
    state: "Nothing was touched.",
    next,
  });
}

function toPipelineError(thrown: unknown, stage: string, signal: AbortSignal): PipelineError {
  if (thrown instanceof PipelineError) return thrown;
  if (signal.aborted) {
    return new PipelineError(
      {
        code: "INTERRUPTED",
        kind: "interrupted",
        message: `${stage} was stopped (${messageOf(signal.reason)}).`,
        state: "What it was doing was rolled back or is recognised and cleared by the next run.",
        next: "Run the same command again.",
      },
      { cause: thrown },
    );
  }
  return new PipelineError(
    {
      code: "DEFECT",
      kind: "defect",
      message: `${stage} failed in a way it should not: ${messageOf(thrown)}`,
      state: "What was changed is not known to this program.",
      next: "Run npm run db:status to see the state, and report this with the stage's log (--log-level debug).",
    },
    { cause: thrown },
  );
}
