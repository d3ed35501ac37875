import { LocalWorkspace, Stack, type LocalWorkspaceOptions, type PulumiFn } from "@pulumi/pulumi/automation";
import type { Place } from "./workspace.js";

/** Opens the stack, making it if asked to. @throws StackNotFoundError if it is not there and `create` is not set. */
export async function open(name: string, place: Place, program: PulumiFn | undefined, create: boolean): Promise<Stack> {
  const options: LocalWorkspaceOptions = { workDir: place.workDir, envVars: { ...place.env }, program };
  const workspace = await LocalWorkspace.create(options);
  return create ? Stack.createOrSelect(name, workspace) : Stack.select(name, workspace);
}
