import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { PipelineError, messageOf } from "../errors.js";
import { type RunResult, run } from "../process.js";

/** The application under pm2: looked at, stopped and started by its name. */

/** What pm2 says of one process; the rest of it, the whole environment with its secrets, is not kept. */
const processSchema = z.object({
  name: z.string(),
  pid: z.int().nullish(),
  pm2_env: z.object({ status: z.string(), pm_id: z.int().optional() }),
});

export interface Pm2Process {
  readonly pid: number | undefined;
  /** `online`, `stopping`, `stopped`, `launching`, `errored`. */
  readonly status: string;
}

export class Pm2 {
  constructor(
    readonly name: string,
    private readonly signal: AbortSignal,
    /** Account whose pm2 it is; empty: that of this process. */
    private readonly account = "",
  ) {}

  /**
   * The processes of the application's name; one for each instance.
   *
   * @throws PipelineError where there is no pm2, or it knows no such process.
   */
  async processes(): Promise<Pm2Process[]> {
    const { stdout } = await this.#run("jlist");
    const all = parseList(stdout);
    const own = all.filter(({ name }) => name === this.name);
    if (own.length === 0) throw unknownProcess(this.name, [...new Set(all.map(({ name }) => name))]);
    return own.map(({ pid, pm2_env: { status } }) => ({ pid: pid ?? undefined, status }));
  }

  /** Stops it, and waits until pm2 says that every instance is stopped. */
  async stop(patienceMs: number): Promise<void> {
    await this.#run("stop", this.name);
    await this.#until((all) => all.every(isStopped), "stopped", patienceMs);
  }

  /** Starts it, and waits until pm2 says that every instance is online. */
  async start(patienceMs: number): Promise<void> {
    await this.#run("start", this.name);
    await this.#until((all) => all.every(isOnline), "online", patienceMs);
  }

  async #until(done: (all: readonly Pm2Process[]) => boolean, wanted: string, patienceMs: number): Promise<void> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const all = await this.processes();
      if (done(all)) return;
      if (Date.now() >= deadline) throw stays(this.name, wanted, all);
      await sleep(200, undefined, { signal: this.signal });
    }
  }

  async #run(...args: readonly string[]): Promise<RunResult> {
    const program = findPm2(process.env);
    if (program === undefined) throw noPm2(this.name);
    const { account, signal } = this;
    const env = { PM2_DISABLE_VERSION_CHECK: "true" };
    // From a folder that both accounts may be in; without a terminal nobody could be asked for a password.
    const result =
      account === ""
        ? await run(program, args, { env, signal })
        : await run("sudo", ["-n", "-H", "-u", account, program, ...args], { env, signal, cwd: "/" });
    if (account !== "" && result.exitCode !== 0 && result.stderr.startsWith("sudo:"))
      throw noSudo(account, program, result);
    if (result.exitCode !== 0) throw refused(this.name, args, result);
    return result;
  }
}

/**
 * The machine's pm2. The one that this project's own tests bring along is not it, though npm puts that first on the PATH: another
 * version than the daemon's may not understand it. `SAFE_MIGRATION_PM2` names another one.
 */
export function findPm2(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const named = env["SAFE_MIGRATION_PM2"];
  if (named !== undefined && named !== "") return named;
  return (env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "" && !/[\\/]node_modules[\\/]\.bin[\\/]?$/.test(folder))
    .map((folder) => join(folder, "pm2"))
    .find((file) => existsSync(file));
}

export function isOnline({ status }: Pm2Process): boolean {
  return status === "online";
}

export function isStopped({ status }: Pm2Process): boolean {
  return status === "stopped" || status === "errored";
}

/** pm2 may print notices before its list. @throws PipelineError */
export function parseList(stdout: string): z.infer<typeof processSchema>[] {
  const line = stdout
    .split("\n")
    .filter((text) => text.startsWith("["))
    .at(-1);
  try {
    return z.array(processSchema).parse(JSON.parse(line ?? ""));
  } catch (error) {
    throw new PipelineError(
      {
        code: "PM2_ANSWER",
        kind: "failedUnchanged",
        message: "pm2 jlist printed no list of processes that can be read.",
        state: "The application was not touched by this.",
        next: "Look at it: pm2 list; then run the same command.",
      },
      // Without the text: it holds the processes' environments.
      { cause: error instanceof z.ZodError ? error : new Error(messageOf(error).slice(0, 40)) },
    );
  }
}

function noPm2(name: string): PipelineError {
  return new PipelineError({
    code: "NO_PM2",
    kind: "refused",
    message: `There is no program pm2 on this machine's PATH, so "${name}" can be neither stopped nor started here.`,
    state: "Nothing was touched.",
    next: 'Run this where the application runs; or install pm2 there (npm install --global pm2); or set application.process to "" if it does not run under pm2, and stop and start it yourself.',
  });
}

function noSudo(account: string, program: string, { stderr }: RunResult): PipelineError {
  return new PipelineError({
    code: "NO_SUDO",
    kind: "refused",
    message: `pm2 of the account "${account}" (application.account) may not be called: ${stderr.trim().split("\n").at(-1) ?? ""}`,
    state: "Nothing was touched.",
    next: `Let this account do so (in /etc/sudoers.d: THIS-ACCOUNT ALL=(${account}) NOPASSWD: ${program}), or run this as "${account}"; then run the same command.`,
  });
}

/** A command for a person to run pm2 as the application's account. */
export function pm2Command(account: string, ...args: readonly string[]): string {
  return [...(account === "" ? [] : ["sudo -H -u", account]), "pm2", ...args].join(" ");
}

function unknownProcess(name: string, known: readonly string[]): PipelineError {
  const there = known.length === 0 ? "it knows none" : `it knows: ${known.join(", ")}`;
  return new PipelineError({
    code: "NO_APPLICATION",
    kind: "refused",
    message: `pm2 knows no process "${name}"; ${there}.`,
    state: "Nothing was touched.",
    next: "Set application.process to its name, or run this as the user whose pm2 it is (PM2_HOME); then run the same command.",
  });
}

function refused(name: string, args: readonly string[], { exitCode, stdout, stderr }: RunResult): PipelineError {
  const said = `${stdout}\n${stderr}`.split("\n").filter((line) => /error/i.test(line));
  return new PipelineError({
    code: "PM2_FAILED",
    kind: "failedUnchanged",
    message: `pm2 ${args.join(" ")} ended with exit code ${exitCode}${said.length > 0 ? `: ${said.slice(0, 3).join("; ")}` : ""}.`,
    state: `What state "${name}" is in, pm2 list says.`,
    next: "Mend that, then run the same command: it looks what is done already.",
  });
}

function stays(name: string, wanted: string, all: readonly Pm2Process[]): PipelineError {
  return new PipelineError({
    code: "APPLICATION_STAYS",
    kind: "failedUnchanged",
    message: `"${name}" does not become ${wanted}: ${all.map(({ pid, status }) => `${status} (pid ${pid ?? "–"})`).join(", ")}.`,
    state: "The database was not touched by this.",
    next: `Look why (pm2 logs ${name} --nostream), then run the same command: it looks what is done already.`,
  });
}
