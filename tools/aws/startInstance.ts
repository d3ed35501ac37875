import { setTimeout as sleep } from "node:timers/promises";
import { DescribeInstancesCommand, type EC2Client, StartInstancesCommand } from "@aws-sdk/client-ec2";
import { PipelineError, messageOf } from "../../pipeline/errors.js";

export interface StartOptions {
  readonly signal: AbortSignal;
  /** How long it may take until EC2 says that it runs, in milliseconds. @default five minutes */
  readonly patienceMs?: number;
  /** Between two looks, in milliseconds. @default 3 s */
  readonly everyMs?: number;
  readonly say?: (line: string) => void;
}

/**
 * Has an instance run: one that has stopped is started, one that is stopping is waited for first.
 *
 * @returns whether it had to be started
 * @throws PipelineError where there is none, AWS refuses, or it does not come up in time.
 */
export async function startInstance(ec2: EC2Client, instance: string, options: StartOptions): Promise<boolean> {
  const { signal, patienceMs = 300_000, everyMs = 3_000, say = () => undefined } = options;
  const deadline = Date.now() + patienceMs;
  let started = false;
  for (;;) {
    signal.throwIfAborted();
    const state = await stateOf(ec2, instance);
    if (state === "running") return started;
    if (state === "shutting-down" || state === "terminated")
      throw refused(instance, `it is ${state}`, "npm run up -- --stack STACK makes another one in its place");
    if (state === "stopped" && !started) {
      say(`starting the host ${instance}`);
      await ask(instance, () => ec2.send(new StartInstancesCommand({ InstanceIds: [instance] })));
      started = true;
    }
    if (Date.now() >= deadline) throw refused(instance, `it is still ${state}`, "look at it in EC2's console");
    await sleep(everyMs, undefined, { signal });
  }
}

async function stateOf(ec2: EC2Client, instance: string): Promise<string> {
  const { Reservations: found = [] } = await ask(instance, () =>
    ec2.send(new DescribeInstancesCommand({ InstanceIds: [instance] })),
  );
  return found[0]?.Instances?.[0]?.State?.Name ?? "terminated";
}

async function ask<T>(instance: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    const rights = /Unauthorized|AccessDenied/.test(name)
      ? "give whoever runs this ec2:DescribeInstances, and ec2:StartInstances on it"
      : "look whether credentials and region are the stack's";
    throw refused(instance, messageOf(error), rights, error);
  }
}

function refused(instance: string, reason: string, next: string, cause?: unknown): PipelineError {
  return new PipelineError(
    {
      code: "HOST_START",
      kind: "refused",
      message: `The host ${instance} could not be started: ${reason}.`,
      state: "No stage has run.",
      next: `${next}; then run the same command.`,
    },
    { cause },
  );
}
