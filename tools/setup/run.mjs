import { spawn } from "node:child_process";

/**
 * Runs a program to its end without a terminal and keeps what it printed.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeout?: number }} [options]
 * @returns {Promise<{ code: number, output: string }>} `output` holds both streams in the order they came; a program that
 *   is not there gives code 127
 */
export function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    const chunks = [];
    child.stdout.on("data", (chunk) => chunks.push(chunk));
    child.stderr.on("data", (chunk) => chunks.push(chunk));
    child.on("error", (error) => resolve({ code: 127, output: error.message }));
    child.on("close", (code, signal) =>
      resolve({
        code: code ?? 128,
        output: Buffer.concat(chunks).toString("utf8") + (signal ? `\nended by ${signal}` : ""),
      }),
    );
  });
}

/** The last lines of a program's output, indented, for an error message. */
export function tail(output, lines = 15) {
  return output
    .trimEnd()
    .split("\n")
    .slice(-lines)
    .map((line) => `    ${line}`)
    .join("\n");
}
