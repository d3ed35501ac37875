import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface RunOptions {
  readonly cwd?: string;
  /** Added to this process's environment; secrets travel here, never in `args`, which `ps` shows. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly signal?: AbortSignal;
  /** Called with each line of standard error as it comes. */
  readonly onStderr?: (line: string) => void;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A child process that could not be started, or was ended by a signal. */
export class ProcessError extends Error {
  constructor(
    readonly command: string,
    reason: string,
  ) {
    super(`${command}: ${reason}`);
    this.name = "ProcessError";
  }
}

/**
 * Runs a program to its end and returns what it printed; a non-zero exit code is a result, not an error.
 * On abort the child gets SIGTERM, and SIGKILL five seconds later.
 *
 * @throws ProcessError if the program cannot be started or is ended by a signal.
 */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted) {
      reject(new ProcessError(command, "not started: the run was stopped"));
      return;
    }
    const child = spawn(command, [...args], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      uid: options.uid,
      gid: options.gid,
      stdio: ["pipe", "pipe", "pipe"],
    });
    let stdout = "";
    const stderr: string[] = [];
    const onAbort = () => {
      child.kill("SIGTERM");
      setTimeout(() => child.kill("SIGKILL"), 5_000).unref();
    };
    options.signal?.addEventListener("abort", onAbort, { once: true });
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
    createInterface({ input: child.stderr }).on("line", (line) => {
      stderr.push(line);
      if (stderr.length > 2_000) stderr.shift();
      options.onStderr?.(line);
    });
    // A child may exit without reading its input; that is told by its exit code.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.stdin ?? "");
    child.on("error", (error) => reject(new ProcessError(command, error.message)));
    child.on("close", (exitCode, signal) => {
      options.signal?.removeEventListener("abort", onAbort);
      if (exitCode === null) reject(new ProcessError(command, `ended by ${signal ?? "a signal"}`));
      else resolve({ exitCode, stdout, stderr: stderr.join("\n") });
    });
  });
}
