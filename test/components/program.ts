import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { RunError } from "@pulumi/pulumi/errors";
import type { RegisterResourceRequest, RegisterResourceResponse } from "@pulumi/pulumi/proto/resource_pb.js";
import { parse } from "yaml";
import { projectName } from "../../config.js";
import shipped from "../../index.js";
import { computeCall, computeResource } from "../support/aws/model.js";
import { valueOf } from "./mocks.js";

const root = join(__dirname, "../..");

/** A resource as the engine is told of it. */
export interface Registered {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** URNs of what has to be there before it. */
  readonly after: readonly string[];
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly ignoreChanges: readonly string[];
}

export interface Composed {
  readonly resources: readonly Registered[];
  readonly outputs: Readonly<Record<string, unknown>>;
  /** What the engine was told to say. */
  readonly said: string;
}

export interface Program {
  readonly stack: string;
  /** What the owner sets, by key. */
  readonly owner: Readonly<Record<string, unknown>>;
  /** Last outputs of stacks, by name. */
  readonly before?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** What a stage prints; a stage that is not here throws. */
  readonly answers: Readonly<Record<string, unknown>>;
  /** Names of outputs that those stacks keep as secrets. */
  readonly secretOutputs?: readonly string[];
  /** Whether it is previewed only. */
  readonly preview?: boolean;
  /** What is run instead of `index.ts`. */
  readonly program?: () => Promise<Readonly<Record<string, pulumi.Input<unknown>>>>;
}

interface Yaml {
  readonly config: Readonly<Record<string, unknown>>;
}
const yaml = (name: string) => (parse(readFileSync(join(root, name), "utf8")) as Yaml).config;

/** The configuration as the engine hands it over: a section of the stack's file instead of Pulumi.yaml's, each as JSON text. */
function configuration(stack: string, owner: Program["owner"]): Record<string, string> {
  const defaults = Object.entries(yaml("Pulumi.yaml")).map(([key, section]): [string, unknown] => [
    `${projectName}:${key}`,
    (section as { default: unknown }).default,
  ]);
  const all = { ...Object.fromEntries(defaults), ...yaml(`Pulumi.${stack}.yaml`), ...owner };
  return Object.fromEntries(
    Object.entries(all).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

/**
 * Runs the program itself, `index.ts`, for a stack as it is shipped, with the stand-in for AWS. What is not known here throws:
 * a resource, a question, a stage.
 *
 * @throws what the program throws
 */
export async function compose(options: Program): Promise<Composed> {
  const { stack, owner, before = {}, answers, secretOutputs = [], preview = false, program = shipped } = options;
  const resources: Registered[] = [];
  const newResource = ({ type, name, inputs, id }: pulumi.runtime.MockResourceArgs) => {
    const given = inputs as Record<string, unknown>;
    if (type === "pulumi:pulumi:StackReference") {
      const outputs = before[String(given["name"]).split("/").at(-1) ?? ""] ?? {};
      return { id: id ?? name, state: { name: given["name"], outputs, secretOutputNames: secretOutputs } };
    }
    if (type.startsWith("aws:")) {
      const made = computeResource(type, name, given);
      return { id: made.id, state: made.outputs };
    }
    if (type === "command:remote:Command" || type === "command:local:Command")
      return { id: name, state: { ...given, stdout: stdoutOf(given, answers) } };
    if (type === "command:remote:CopyToRemote" || type.startsWith("safe-migration:")) return { id: name, state: given };
    throw new Error(`nothing is known of ${type}`);
  };
  const call = ({ token, inputs }: pulumi.runtime.MockCallArgs) =>
    computeCall(token, inputs as Record<string, unknown>);
  await pulumi.runtime.setMocks({ newResource, call }, projectName, stack, preview, "organization");
  pulumi.runtime.setAllConfig(configuration(stack, owner));
  watch(resources);
  try {
    const { said, result } = await listening(async () => {
      const outputs = await valueOf(pulumi.output(await program().catch(asItWas)));
      // Resources that nobody awaits are there by then too.
      await pulumi.runtime.disconnect();
      return outputs;
    });
    return { resources, outputs: result, said };
  } finally {
    pulumi.runtime.setAllConfig({});
  }
}

/** What Pulumi shows a person is made of the error itself. */
function asItWas(error: unknown): never {
  throw error instanceof RunError ? error.cause : error;
}

/** Of a Command: a script on a host (`bash -s`) prints nothing that is looked at, a stage its answer. */
function stdoutOf({ create }: Record<string, unknown>, answers: Program["answers"]): string {
  if (create === "bash -s") return "";
  const stage = String(create).split(" ").at(-1) ?? "";
  if (!(stage in answers)) throw new Error(`unexpected stage: ${String(create)}`);
  return JSON.stringify(answers[stage]);
}

/** Notes what the engine is asked to register, with what only it sees: the order, and what is protected. */
function watch(resources: Registered[]): void {
  const monitor = pulumi.runtime.getMonitor();
  if (monitor === undefined) throw new Error("there are no mocks");
  const register = monitor.registerResource.bind(monitor) as (
    request: RegisterResourceRequest,
    done: (error: unknown, answer: RegisterResourceResponse | undefined) => void,
  ) => void;
  const watching: typeof register = (request, done) =>
    register(request, (error, answer) => {
      if (answer !== undefined) resources.push({ urn: answer.getUrn(), ...registered(request) });
      done(error, answer);
    });
  Object.assign(monitor, { registerResource: watching });
}

function registered(request: RegisterResourceRequest): Omit<Registered, "urn"> {
  return {
    type: request.getType(),
    name: request.getName(),
    inputs: request.getObject()?.toJavaScript() ?? {},
    after: request.getDependenciesList(),
    protect: request.getProtect() ?? false,
    retainOnDelete: request.getRetainondelete() ?? false,
    ignoreChanges: request.getIgnorechangesList(),
  };
}

/** Without an engine, what is for its log goes to the console. */
async function listening<T>(work: () => Promise<T>): Promise<{ said: string; result: T }> {
  const { log, warn } = console;
  const lines: string[] = [];
  const note = (line: unknown) => void lines.push(String(line));
  Object.assign(console, { log: note, warn: note });
  try {
    const result = await work();
    return { said: lines.join("\n"), result };
  } finally {
    Object.assign(console, { log, warn });
  }
}
