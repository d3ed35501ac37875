import { type LastRun, lastRunOutput, parseLastRun } from "../../components/lastRun.js";
import { messageOf } from "../../pipeline/errors.js";
import { readOutputs } from "../stack/outputs.js";
import { PulumiError } from "../stack/pulumi.js";
import { prepare } from "../stack/workspace.js";

/** What the stack's outputs say of its last run; `unknown`: why they cannot be read. */
export async function lastOutputs(
  stack: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ readonly last: LastRun | undefined; readonly unknown?: string }> {
  try {
    const { [lastRunOutput]: value } = await readOutputs(stack, prepare(stack, env), "clear");
    return { last: parseLastRun({ value }) };
  } catch (error) {
    if (error instanceof PulumiError && error.noStack) return { last: undefined };
    return { last: undefined, unknown: messageOf(error).split("\n").slice(-2).join(" ") };
  }
}
