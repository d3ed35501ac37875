import { StringDecoder } from "node:string_decoder";

/** Which of a command's two streams are shown while it runs. Unset means both. */
export function shows(logging: string | undefined): { stdout: boolean; stderr: boolean } {
  return {
    stdout: logging === undefined || logging === "stdout" || logging === "stdoutAndStderr",
    stderr: logging === undefined || logging === "stderr" || logging === "stdoutAndStderr",
  };
}

export interface Captured {
  readonly stdout: string;
  readonly stderr: string;
}

/** Collects what a command prints, apart and as it came, and hands each finished line on as it comes. */
export class OutputCapture {
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  readonly #both: Buffer[] = [];
  readonly #decoder = new StringDecoder("utf8");
  readonly #show: { stdout: boolean; stderr: boolean };
  #line = "";

  constructor(
    logging: string | undefined,
    private readonly onLine: (line: string) => void,
  ) {
    this.#show = shows(logging);
  }

  stdout(chunk: Buffer): void {
    this.#stdout.push(chunk);
    this.#add(chunk, this.#show.stdout);
  }

  stderr(chunk: Buffer): void {
    this.#stderr.push(chunk);
    this.#add(chunk, this.#show.stderr);
  }

  #add(chunk: Buffer, show: boolean): void {
    this.#both.push(chunk);
    if (!show) return;
    const lines = (this.#line + this.#decoder.write(chunk)).split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) this.onLine(line.replace(/\r$/, ""));
  }

  /** Hands on the last line, if it had no end. */
  finish(): void {
    const rest = this.#line + this.#decoder.end();
    this.#line = "";
    if (rest !== "") this.onLine(rest.replace(/\r$/, ""));
  }

  /** What was printed, each without one trailing newline. */
  captured(): Captured {
    const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString("utf8").replace(/\n$/, "");
    return { stdout: text(this.#stdout), stderr: text(this.#stderr) };
  }

  /** The message of a failed run: reason, command, and all that was printed, in the order it came. */
  failure(reason: string, command: string): Error {
    return new Error(`${reason}: running ${quote(command)}:\n${Buffer.concat(this.#both).toString("utf8")}`);
  }
}

const escapes: Record<string, string> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

/** A string as Go's `%q` prints it. */
export function quote(text: string): string {
  const escaped = text.replace(/[\p{Cc}"\\]/gu, (found) => escapes[found] ?? escapeCode(found.charCodeAt(0)));
  return `"${escaped}"`;
}

/** Go writes ASCII control characters with two digits, those after it with four. */
function escapeCode(code: number): string {
  return code < 0x80 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}

/** The variables by which a command learns what its predecessor printed. */
export function previousOutput(previous: Captured, wanted: boolean): Record<string, string> {
  const env: Record<string, string> = {};
  if (wanted && previous.stdout !== "") env.PULUMI_COMMAND_STDOUT = previous.stdout;
  if (wanted && previous.stderr !== "") env.PULUMI_COMMAND_STDERR = previous.stderr;
  return env;
}
