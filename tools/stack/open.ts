import {
  CommandError,
  LocalWorkspace,
  Stack,
  StackNotFoundError,
  type LocalWorkspaceOptions,
  type PulumiFn,
} from "@pulumi/pulumi/automation";
import { saidBy } from "./saidBy.js";
import { troubleOf } from "./trouble.js";
import type { Place } from "./workspace.js";

/**
 * Opens the stack, making it if asked to.
 *
 * @throws StackNotFoundError if it is not there and `create` is not set; PipelineError where Pulumi's CLI does not come to it for a
 * reason that is known: nobody is logged in, the passphrase.
 */
export async function open(name: string, place: Place, program: PulumiFn | undefined, create: boolean): Promise<Stack> {
  const options: LocalWorkspaceOptions = { workDir: place.workDir, envVars: { ...place.env }, program };
  try {
    const workspace = await LocalWorkspace.create(options);
    return await (create ? Stack.createOrSelect(name, workspace) : Stack.select(name, workspace));
  } catch (error) {
    if (!(error instanceof CommandError) || error instanceof StackNotFoundError) throw error;
    throw troubleOf(name, saidBy(error)) ?? error;
  }
}
