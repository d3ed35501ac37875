import * as pulumi from "@pulumi/pulumi";
import { type LastRun, lastRunOutput, parseLastRun } from "./lastRun.js";

/** A stack of this project: another one, or this one itself, whose last outputs it may read. */
export function stackReference(name: string, stack: string): pulumi.StackReference {
  return new pulumi.StackReference(name, {
    name: `${pulumi.getOrganization()}/${pulumi.getProject()}/${stack}`,
  });
}

/** The last verified run of a stack of this project; touches no database. `undefined` before the first. */
export async function readRunOf(name: string, stack: string): Promise<LastRun | undefined> {
  return parseLastRun(await stackReference(name, stack).getOutputDetails(lastRunOutput));
}

/** The last run of this stack itself. */
export function readLastRun(): Promise<LastRun | undefined> {
  return readRunOf("last-run", pulumi.getStack());
}
