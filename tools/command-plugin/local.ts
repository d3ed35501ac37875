import { spawn } from "node:child_process";
import { statSync } from "node:fs";
import { constants } from "node:os";
import type { CommandInputs } from "./inputs";
import { OutputCapture, previousOutput, type Captured } from "./output";

export interface RunContext {
  readonly signal: AbortSignal;
  /** Shows a line at the resource while it is being worked on. */
  readonly status: (line: string) => void;
  readonly warn: (line: string) => void;
  readonly error: (line: string) => void;
}

/**
 * Runs a command on this machine. Stopping the update kills the process that was started, as `pulumi-command` does: with
 * SIGKILL, and only that process, so a shell's children end by themselves.
 *
 * @throws Error `exit status N: running "…":` and all that was printed, if it does not end with 0 or cannot be started.
 */
export function runLocal(
  command: string,
  inputs: CommandInputs,
  previous: Captured,
  context: RunContext,
): Promise<Captured> {
  const interpreter = inputs.interpreter?.length
    ? inputs.interpreter
    : process.platform === "win32"
      ? ["cmd", "/C"]
      : ["/bin/sh", "-c"];
  const [program = "", ...args] = [...interpreter, command];
  const output = new OutputCapture(inputs.logging, context.status);
  if (inputs.dir !== undefined && !isDirectory(inputs.dir)) {
    return Promise.reject(output.failure(`chdir ${inputs.dir}: no such file or directory`, command));
  }
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: inputs.dir,
      env: { ...process.env, ...inputs.environment, ...previousOutput(previous, inputs.addPreviousOutputInEnv) },
      stdio: [inputs.stdin === undefined || inputs.stdin === "" ? "ignore" : "pipe", "pipe", "pipe"],
      windowsHide: true,
    });
    const stop = () => child.kill("SIGKILL");
    context.signal.addEventListener("abort", stop, { once: true });
    if (context.signal.aborted) stop();
    child.stdout?.on("data", (chunk: Buffer) => output.stdout(chunk));
    child.stderr?.on("data", (chunk: Buffer) => output.stderr(chunk));
    // A command may end without reading its input; its exit code tells whether that was right.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(inputs.stdin);
    child.on("error", (error: NodeJS.ErrnoException) => {
      context.signal.removeEventListener("abort", stop);
      reject(output.failure(startFailure(program, error), command));
    });
    child.on("close", (code, signal) => {
      context.signal.removeEventListener("abort", stop);
      output.finish();
      if (code === 0) resolve(output.captured());
      else reject(output.failure(code === null ? `signal: ${signalText(signal)}` : `exit status ${code}`, command));
    });
  });
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function startFailure(program: string, error: NodeJS.ErrnoException): string {
  if (error.code === "E2BIG") return `fork/exec ${program}: argument list too long`;
  if (error.code === "EACCES") return `fork/exec ${program}: permission denied`;
  if (error.code !== "ENOENT") return `fork/exec ${program}: ${error.message}`;
  return program.includes("/")
    ? `fork/exec ${program}: no such file or directory`
    : `exec: "${program}": executable file not found in $PATH`;
}

const signalNames: Record<string, string> = {
  SIGHUP: "hangup",
  SIGINT: "interrupt",
  SIGQUIT: "quit",
  SIGABRT: "aborted",
  SIGKILL: "killed",
  SIGSEGV: "segmentation fault",
  SIGPIPE: "broken pipe",
  SIGTERM: "terminated",
};

function signalText(signal: NodeJS.Signals | null): string {
  return signal === null ? "unknown" : (signalNames[signal] ?? `signal ${constants.signals[signal]}`);
}
