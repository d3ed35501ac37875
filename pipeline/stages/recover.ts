import { setTimeout as sleep } from "node:timers/promises";
import { Pm2, isOnline, isStopped, pm2Command } from "../application/pm2.js";
import type { StageContext } from "../context.js";
import {
  type RecoverRequest,
  type RecoverResult,
  type RecoverStep,
  type RestoreResult,
  recoverSteps,
  restoreRequest,
} from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { maintenanceDatabase, withClient } from "../postgres/connection.js";
import { fingerprintDatabase } from "../postgres/fingerprint.js";
import { describeSessions, findSessions } from "../postgres/sessions.js";
import { type GoingBackTo, chooseGoal } from "../recovery/goBackTo.js";
import { compareWithBackup } from "../store/compareWithBackup.js";
import type { Manifest } from "../store/manifest.js";
import { openStore } from "../store/open.js";
import { assertOursIfThere } from "../store/ourDatabase.js";
import { health } from "./health.js";
import { restore } from "./restore.js";
import { stamp } from "./stamp.js";

/** How long the application may take to stop or start, its sessions to go, and its health to come, in milliseconds. */
const patienceMs = 60_000;
/** How long sessions of an application that has stopped are waited for, in milliseconds; the restore ends those that stay. */
const sessionsPatienceMs = 5_000;

/**
 * The plan's emergency of a failed migration: stop the application, restore the backup or a moment, start the application, see that it is
 * healthy. Each step looks first whether it is done, and afterwards whether it is; so after a stop at any point the same
 * command goes on. What was in the database is kept beside.
 *
 * @throws PipelineError saying whether the application runs, what the database is, and what to run.
 */
export async function recover(request: RecoverRequest, context: StageContext): Promise<RecoverResult> {
  const started = Date.now();
  const steps: RecoverStep[] = [];
  const { process, account } = request.settings.application;
  const pm2 = process === "" ? undefined : new Pm2(process, context.signal, account);
  // What would end the recovery in the middle is found out before the application is stopped.
  await pm2?.processes();
  await assertOursIfThere(request, { applicationName: "safe-migration recover" });
  const goal = await chooseGoal(request, context);
  const doing = new Recovery(request, context, pm2, goal, steps);
  for (const step of recoverSteps) {
    context.log.progress(step, recoverSteps.indexOf(step) / recoverSteps.length);
    const begun = Date.now();
    try {
      context.signal.throwIfAborted();
      const { outcome, seen } = await doing[step]();
      steps.push({ step, outcome, seen, durationMs: Date.now() - begun });
      context.log.info(`${step}: ${seen}`);
    } catch (error) {
      await doing.note(`failed: ${messageOf(error)}`, step);
      throw stepFailed(step, error, doing, request, context.signal);
    }
    await doing.note("done", step);
  }
  const { restored, setAside, stoppedAt } = doing;
  return {
    stage: "recover",
    ...stamp(request, started),
    backup: goal.backup,
    ...(goal.moment === undefined ? {} : { moment: goal.moment }),
    steps,
    setAside,
    ...(restored === undefined ? {} : { restored: keptOf(restored) }),
    ...(stoppedAt === undefined ? {} : { downMs: Date.now() - stoppedAt }),
  };
}

type Outcome = Pick<RecoverStep, "outcome" | "seen">;

/** The steps, and what they have come to know. */
class Recovery implements Record<(typeof recoverSteps)[number], () => Promise<Outcome>> {
  restored: RestoreResult | undefined;
  setAside: string[] = [];
  /** Milliseconds since the epoch. */
  stoppedAt: number | undefined;

  constructor(
    private readonly request: RecoverRequest,
    private readonly context: StageContext,
    private readonly pm2: Pm2 | undefined,
    readonly goal: GoingBackTo,
    private readonly steps: readonly RecoverStep[],
  ) {}

  async stop(): Promise<Outcome> {
    if (this.pm2 === undefined) return skipped("application.process is empty: the application is not stopped by this");
    const before = await this.pm2.processes();
    const running = before.filter((one) => !isStopped(one));
    if (running.length > 0) {
      this.stoppedAt = Date.now();
      await this.pm2.stop(patienceMs);
    }
    const left = await this.#sessionsLeft();
    if (left.length > 0)
      this.context.log.warn(`sessions that are not pm2's still use the database; the restore ends them`, {
        sessions: describeSessions(left),
      });
    const sessions = left.length === 0 ? "no session of it is left" : `${left.length} other session(s) are left`;
    const seen = `pm2 says that "${this.pm2.name}" is stopped, and ${sessions}`;
    return { outcome: running.length > 0 ? "done" : "already", seen };
  }

  async restore(): Promise<Outcome> {
    const { request, context, goal } = this;
    const then = await goal.was();
    const differences = then === undefined ? undefined : await this.#differences(then);
    if (differences?.length === 0)
      return { outcome: "already", seen: `the database has the fingerprints of ${goal.what}` };
    const { ofRun: _run, checkpoint: _checkpoint, backup: _backup, at: _at, ...base } = request;
    this.restored = await restore(restoreRequest.parse({ ...base, ...goal.asked }), context);
    const { kept, swapMs } = this.restored;
    this.setAside = differences ?? this.restored.differences ?? ["the database could not be read whole"];
    const aside = kept === undefined ? "" : `; what was there is kept as "${kept}"`;
    return { outcome: "done", seen: `${goal.what} is in place (${swapMs} ms without a database)${aside}` };
  }

  async start(): Promise<Outcome> {
    if (this.pm2 === undefined) return skipped("application.process is empty: start the application yourself");
    const before = await this.pm2.processes();
    const running = before.every(isOnline);
    if (!running) await this.pm2.start(patienceMs);
    return { outcome: running ? "already" : "done", seen: `pm2 says that "${this.pm2.name}" is online` };
  }

  async health(): Promise<Outcome> {
    const { healthUrl } = this.request.settings.application;
    const { tables } = await health(this.request, this.context);
    if (healthUrl === "") return { outcome: "done", seen: `the database is healthy (${tables} tables)` };
    await this.#untilHealthy(healthUrl);
    return { outcome: "done", seen: `the database is healthy (${tables} tables), and ${healthUrl} says so, too` };
  }

  /** Keeps what was done in the run's folder: evidence for people; what counts is what the next run sees. */
  async note(state: string, step: string): Promise<void> {
    const { environment, run, store } = this.request;
    const { backup, moment } = this.goal;
    const text = JSON.stringify({ backup, moment, step, state, steps: this.steps }, null, 2);
    await openStore(store)
      .write(`${environment}/${run}/recover-steps.json`, `${text}\n`)
      .catch((error: unknown) => this.context.log.warn(`the steps could not be noted: ${messageOf(error)}`));
  }

  /** In what the database differs from what it was then; `undefined`: it is not there, or cannot be read. */
  async #differences(then: Pick<Manifest, "fingerprints" | "physical">): Promise<string[] | undefined> {
    const { request, context } = this;
    const { image } = then.fingerprints;
    const { log, signal } = context;
    try {
      const options = { jobs: request.settings.backup.jobs, log, signal, image };
      const now = await fingerprintDatabase(request.database, options);
      return compareWithBackup(then, now).map(({ object, message }) => `${object} ${message}`);
    } catch (error) {
      signal.throwIfAborted();
      log.warn(`the database cannot be compared with ${this.goal.what}: ${messageOf(error)}`);
      return undefined;
    }
  }

  async #sessionsLeft() {
    const options = { database: maintenanceDatabase, applicationName: "safe-migration recover" };
    return withClient(this.request.database, options, async (client) => {
      const deadline = Date.now() + sessionsPatienceMs;
      for (;;) {
        const left = await findSessions(client, this.request.database.name);
        if (left.length === 0 || Date.now() >= deadline) return left;
        await sleep(100, undefined, { signal: this.context.signal });
      }
    });
  }

  async #untilHealthy(url: string): Promise<void> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const said = await askHealth(url);
      if (said === undefined) return;
      if (Date.now() >= deadline) {
        throw new PipelineError({
          code: "APPLICATION_UNHEALTHY",
          kind: "failedChanged",
          message: `The application runs and does not say that it is healthy: ${url}: ${said}.`,
          state: "The database is restored and healthy.",
          next: `Look why: pm2 logs ${this.request.settings.application.process} --nostream; then run the same command.`,
        });
      }
      await sleep(200, undefined, { signal: this.context.signal });
    }
  }
}

/** What is wrong with the answer; `undefined`: nothing. */
async function askHealth(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000), redirect: "error" });
    await response.arrayBuffer();
    return response.ok ? undefined : `status ${response.status}`;
  } catch (error) {
    return messageOf(error);
  }
}

function skipped(seen: string): Outcome {
  return { outcome: "skipped", seen };
}

function keptOf({ kept, dropKept, swapMs }: RestoreResult): NonNullable<RecoverResult["restored"]> {
  return { ...(kept === undefined ? {} : { kept }), ...(dropKept === undefined ? {} : { dropKept }), swapMs };
}

function stepFailed(
  step: (typeof recoverSteps)[number],
  error: unknown,
  doing: Recovery,
  request: RecoverRequest,
  signal: AbortSignal,
): PipelineError {
  const { restored, stoppedAt } = doing;
  const known = error instanceof PipelineError ? error : undefined;
  const { process, account } = request.settings.application;
  const application =
    process === ""
      ? ""
      : step === "stop" || step === "restore"
        ? `"${process}" may be stopped. `
        : `"${process}" was started. `;
  const database =
    restored === undefined
      ? "The database was not changed by this run."
      : `${capital(doing.goal.what)} is in place${restored.kept === undefined ? "" : `; what was there is kept as "${restored.kept}"`}.`;
  const again = `${npmRun(request.environment, "recover", ...doing.goal.flags)} goes on from here`;
  const without =
    process !== "" && (step === "stop" || step === "restore")
      ? `; to give up instead and run the application as it was: ${pm2Command(account, "start", process)}`
      : "";
  return new PipelineError(
    {
      code: known?.code ?? (signal.aborted ? "INTERRUPTED" : "RECOVER_FAILED"),
      kind: signal.aborted
        ? "interrupted"
        : restored === undefined && stoppedAt === undefined
          ? "failedUnchanged"
          : "failedChanged",
      message: `Recovery stopped at the step "${step}": ${signal.aborted && known === undefined ? messageOf(signal.reason) : messageOf(error)}`,
      state: `${application}${database}${known === undefined ? "" : ` ${known.state}`}`,
      next: `${known === undefined ? "" : `${known.next} `}${again}${without}.`,
    },
    { cause: error },
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
