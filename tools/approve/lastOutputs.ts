import { StackNotFoundError } from "@pulumi/pulumi/automation";
import { type LastRun, lastRunOutput, parseLastRun } from "../../components/lastRun.js";
import { messageOf } from "../../pipeline/errors.js";
import { open, prepare } from "../stack/workspace.js";

/** What the stack's outputs say of its last run; `unknown`: why they cannot be read. */
export async function lastOutputs(
  stack: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ readonly last: LastRun | undefined; readonly unknown?: string }> {
  try {
    const opened = await open(stack, prepare(stack, env), undefined, false);
    const value: unknown = (await opened.outputs())[lastRunOutput]?.value;
    return { last: parseLastRun({ value }) };
  } catch (error) {
    if (error instanceof StackNotFoundError) return { last: undefined };
    return { last: undefined, unknown: messageOf(error).trim().split("\n").slice(-3).join(" ") };
  }
}
