import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";

/** One measured process. */
export interface Measured {
  readonly seconds: number;
  /** Peak resident memory of the process itself, in bytes; 0 where the system does not tell. */
  readonly peakBytes: number;
  readonly stdout: string;
  readonly exitCode: number;
}

export interface MeasureOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly cwd?: string;
  /** That it fails is a result, too. @default false */
  readonly mayFail?: boolean;
}

/** Runs a program to its end and measures it as a whole process. @throws Error with what it printed, if it fails and may not. */
export async function measure(
  command: string,
  args: readonly string[],
  options: MeasureOptions = {},
): Promise<Measured> {
  const started = process.hrtime.bigint();
  const child = spawn(command, [...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr = (stderr + text).slice(-4_000)));
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.stdin ?? "");
  let peakBytes = 0;
  const sample = setInterval(() => {
    if (child.pid !== undefined) void peak(child.pid).then((bytes) => (peakBytes = Math.max(peakBytes, bytes)));
  }, 50);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  clearInterval(sample);
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  if (code === null || (code !== 0 && options.mayFail !== true))
    throw new Error(`${command} ${args.join(" ")}: exit code ${code}\n${stderr}`);
  return { seconds, peakBytes, stdout, exitCode: code };
}

/** The results of some runs, one after the other. */
export async function times<T>(repeat: number, work: (at: number) => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let at = 0; at < repeat; at++) all.push(await work(at));
  return all;
}

/** The run in the middle by its time; the quicker of two. */
export function median<T extends { readonly seconds: number }>(all: readonly T[]): T {
  const sorted = [...all].sort((a, b) => a.seconds - b.seconds);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new Error("nothing was measured: --repeat is at least 1");
  return middle;
}

/** The high-water mark of a process's resident memory (`VmHWM`), which Linux keeps. */
async function peak(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
