import { randomBytes } from "node:crypto";
import { collectArchive, collectAssets } from "./assets";
import { copyToRemote } from "./copyToRemote";
import { commandInputs, copyInputs, type CommandInputs } from "./inputs";
import { runLocal, type RunContext } from "./local";
import type { Captured } from "./output";
import { partsOf } from "./protocol";
import { runRemote } from "./remote";
import { functions, isResourceType, resources, type ResourceType, type TypeSchema } from "./schema";
import { equal, unknown, type WireObject } from "./wire";

/** @throws Error if this provider has no such resource. */
function resourceTypeOf(urn: string): ResourceType {
  const { type } = partsOf(urn);
  if (!isResourceType(type)) {
    throw new Error(`${type} is not among what this stand-in provides (${Object.keys(resources).join(", ")})`);
  }
  return type;
}

export function schemaOf(urn: string): TypeSchema {
  return resources[resourceTypeOf(urn)];
}

function newId(prefix: string): string {
  return prefix + randomBytes(4).toString("hex");
}

const nothing: Captured = { stdout: "", stderr: "" };

export async function create(
  urn: string,
  inputs: WireObject,
  preview: boolean,
  context: RunContext,
): Promise<{ id: string; outputs: WireObject }> {
  const type = resourceTypeOf(urn);
  if (type === "command:remote:CopyToRemote") {
    if (!preview) await copyToRemote(copyInputs(inputs), context);
    return { id: newId(""), outputs: inputs };
  }
  const id = newId(partsOf(urn).name);
  if (preview) return { id, outputs: { ...inputs, stdout: unknown, stderr: unknown } };
  const command = commandInputs(inputs);
  if (command.create === undefined) return { id, outputs: { ...inputs, ...nothing } };
  return { id, outputs: { ...inputs, ...(await run(type, command.create, command, nothing, context)) } };
}

export async function update(
  urn: string,
  state: WireObject,
  inputs: WireObject,
  preview: boolean,
  context: RunContext,
): Promise<WireObject> {
  const type = resourceTypeOf(urn);
  if (type === "command:remote:CopyToRemote") {
    const sameSource = equal(state.source, inputs.source) && equal(state.remotePath, inputs.remotePath);
    if (!preview && !sameSource) await copyToRemote(copyInputs(inputs), context);
    return inputs;
  }
  const kept: WireObject = {};
  for (const name of resources[type].outputs) {
    const value = state[name];
    // What a changed input may change is not known before it ran; an update always has a changed input.
    if (value !== undefined) kept[name] = preview ? unknown : value;
  }
  if (preview) return { ...inputs, ...kept };
  const command = commandInputs(inputs);
  const line = command.update ?? command.create;
  if (line === undefined) return { ...inputs, ...kept };
  return { ...inputs, ...kept, ...(await run(type, line, command, previousOf(state), context)) };
}

export async function remove(urn: string, state: WireObject, context: RunContext): Promise<void> {
  const type = resourceTypeOf(urn);
  if (type === "command:remote:CopyToRemote") return;
  const command = commandInputs(state);
  if (command.delete !== undefined) await run(type, command.delete, command, previousOf(state), context);
}

/** Runs `local.run`. @throws Error if there is no such function, or if the command fails. */
export async function invoke(token: string, inputs: WireObject, context: RunContext): Promise<WireObject> {
  if (!(token in functions))
    throw new Error(`${token} is not among what this stand-in provides (${Object.keys(functions).join(", ")})`);
  const command = commandInputs(inputs);
  if (command.command === undefined) throw new Error(`${token}: missing required field "command"`);
  return { ...inputs, ...(await run("command:local:Command", command.command, command, nothing, context)) };
}

function previousOf(state: WireObject): Captured {
  const text = (name: string) => (typeof state[name] === "string" ? state[name] : "");
  return { stdout: text("stdout"), stderr: text("stderr") };
}

async function run(
  type: "command:local:Command" | "command:remote:Command",
  line: string,
  command: CommandInputs,
  previous: Captured,
  context: RunContext,
): Promise<WireObject> {
  if (type === "command:remote:Command") return { ...(await runRemote(line, command, previous, context)) };
  const outputs: WireObject = { ...(await runLocal(line, command, previous, context)) };
  const dir = command.dir ?? process.cwd();
  if (command.assetPaths !== undefined) outputs.assets = await collectAssets(dir, command.assetPaths);
  if (command.archivePaths !== undefined) outputs.archive = await collectArchive(dir, command.archivePaths);
  return outputs;
}
