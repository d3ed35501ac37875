import { run } from "../../pipeline/process.js";
import type { Place } from "./workspace.js";

/** Pulumi's CLI did not do what it was asked for; the message is what it said. */
export class PulumiError extends Error {
  constructor(said: string) {
    super(said.trim());
    this.name = "PulumiError";
  }

  /** There is no such stack. */
  get noStack(): boolean {
    return /no stack named/.test(this.message);
  }
}

/**
 * What Pulumi's CLI prints when it is asked about a stack. Its SDK takes a second to load, asks it more than once, and would have it
 * print secrets of an export in clear.
 *
 * @throws PulumiError
 */
export async function askPulumi(stack: string, { workDir, env }: Place, words: readonly string[]): Promise<string> {
  const args = [...words, "--stack", stack, "--non-interactive"];
  const { exitCode, stdout, stderr } = await run("pulumi", args, { cwd: workDir, env });
  if (exitCode === 0) return stdout;
  throw new PulumiError(stderr === "" ? `it ended with exit code ${exitCode}` : stderr);
}
