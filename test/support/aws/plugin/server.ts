import { randomBytes } from "node:crypto";
import type * as grpc from "@grpc/grpc-js";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb.js";
import * as proto from "@pulumi/pulumi/proto/provider_pb.js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import {
  type Failure,
  checked,
  differing,
  listen,
  partsOf,
  unary,
  unwrap,
  wrap,
} from "../../../../tools/command-plugin/protocol.js";
import type { Served } from "../../../../tools/command-plugin/serve.js";
import { type WireObject, changes, isObject, reveal, unknown } from "../../../../tools/command-plugin/wire.js";
import { type Properties, computeCall, computedOf } from "../model.js";
import type { Declared } from "../schema.js";
import { type Backed, backedBy } from "./backed.js";
import { check } from "./check.js";
import { replacing } from "./replaces.js";
import type { Settings } from "./settings.js";

/** What AWS refuses to delete, and its words for it. */
const protections: Readonly<Record<string, { readonly by: string; readonly words: string }>> = {
  "aws:rds/instance:Instance": {
    by: "deletionProtection",
    words:
      "InvalidParameterCombination: Cannot delete protected DB Instance, please disable deletion protection and try again.",
  },
  "aws:ec2/instance:Instance": {
    by: "disableApiTermination",
    words:
      "OperationNotPermitted: The instance may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.",
  },
};

/**
 * A stand-in for the `aws` provider, for tests: the model's answers as the engine asks for them, held to what `@pulumi/aws`
 * publishes. What the pipeline comes to is made in moto; of networks, machines and databases there is nothing but the state.
 */
export class AwsServer implements Served {
  #backed: Readonly<Record<string, Backed>> = {};

  constructor(private readonly settings: Settings) {}

  listen(): Promise<number> {
    return listen(this.#handlers());
  }

  cancelAll(): void {
    // Nothing of it takes long.
  }

  #handlers(): grpc.UntypedServiceImplementation {
    return {
      cancel: unary(() => new Empty()),
      getPluginInfo: unary(() => new PluginInfo().setVersion(this.settings.schema.version)),
      checkConfig: unary((request: proto.CheckRequest) => {
        const inputs = unwrap(request.getNews());
        return checked(inputs, this.#configFailures(inputs));
      }),
      configure: unary((request: proto.ConfigureRequest) => {
        const { region } = unwrap(request.getArgs());
        const { AWS_ENDPOINT_URL: moto = "" } = process.env;
        this.#backed = backedBy(moto, typeof region === "string" ? region : "", this.settings.masterPassword);
        return new proto.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true);
      }),
      check: unary((request: proto.CheckRequest) => {
        const inputs = unwrap(request.getNews());
        return checked(inputs, check(this.#declared(request.getUrn()).inputs, inputs, this.settings.schema.types));
      }),
      diff: unary((request: proto.DiffRequest) => {
        const found = changes(unwrap(request.getOldInputs()), unwrap(request.getNews()));
        return differing(found, replacing(partsOf(request.getUrn()).type, found.keys()));
      }),
      create: unary((request: proto.CreateRequest) => this.#create(request)),
      read: unary((request: proto.ReadRequest) => this.#read(request)),
      // What AWS has added stays as it is when something of a resource is changed in place.
      update: unary((request: proto.UpdateRequest) => {
        const [state, before, inputs] = [request.getOlds(), request.getOldInputs(), request.getNews()].map(unwrap);
        const kept = Object.entries(state ?? {}).filter(([name]) => !(name in (before ?? {})));
        return new proto.UpdateResponse().setProperties(wrap({ ...Object.fromEntries(kept), ...inputs }));
      }),
      delete: unary((request: proto.DeleteRequest) => this.#delete(request)),
      invoke: unary((request: proto.InvokeRequest) => this.#invoke(request)),
    };
  }

  /** As the real provider: the region's name, and whether there are credentials at all. */
  #configFailures({ region }: WireObject): Failure[] {
    const { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret } = process.env;
    if (typeof region !== "string" || !this.settings.schema.regions.includes(region))
      return [{ property: "region", reason: `invalid AWS Region: ${JSON.stringify(region)}` }];
    if (!key || !secret)
      return [{ property: "", reason: "unable to validate AWS credentials: No valid credential sources found" }];
    return [];
  }

  #declared(urn: string): Declared {
    const { type } = partsOf(urn);
    const declared = this.settings.schema.resources[type];
    if (declared === undefined) throw new Error(`the stand-in for AWS knows no ${type}`);
    return declared;
  }

  async #create(request: proto.CreateRequest): Promise<proto.CreateResponse> {
    const urn = request.getUrn();
    const { type, name } = partsOf(urn);
    const inputs = unwrap(request.getProperties());
    const shown = properties(inputs);
    // As the real provider: a name of its own for each, so that stacks and what replaces something do not collide.
    const drawn = `${name}-${randomBytes(4).toString("hex").slice(0, 7)}`;
    const own = typeof shown["name"] === "string" ? shown["name"] : drawn;
    const model = computedOf(type, own, shown);
    const computed = { ...model.computed, ...this.settings.outputs[type] };
    const undeclared = Object.keys(computed).find((output) => !this.#declared(urn).outputs.includes(output));
    if (undeclared !== undefined) throw new Error(`${type} has no "${undeclared}", which the model says it has`);
    if (request.getPreview()) {
      const names = [...Object.keys(computed), ...(this.#declared(urn).outputs.includes("name") ? ["name"] : [])];
      const later = Object.fromEntries(names.map((output) => [output, unknown]));
      return new proto.CreateResponse().setProperties(wrap({ ...later, ...inputs }));
    }
    const named = this.#declared(urn).outputs.includes("name") ? { name: own } : {};
    const made = await this.#backed[type]?.create(shown, { ...named, ...computed });
    const outputs = { ...inputs, ...named, ...computed, ...made?.computed };
    return new proto.CreateResponse().setId(made?.id ?? model.id).setProperties(wrap(plain(outputs)));
  }

  /** As the state has it; without an id where it is gone. */
  async #read(request: proto.ReadRequest): Promise<proto.ReadResponse> {
    const { type } = partsOf(request.getUrn());
    if ((await this.#backed[type]?.isThere?.(request.getId())) === false) return new proto.ReadResponse();
    return new proto.ReadResponse()
      .setId(request.getId())
      .setProperties(request.getProperties())
      .setInputs(request.getInputs());
  }

  async #delete(request: proto.DeleteRequest): Promise<Empty> {
    const { type } = partsOf(request.getUrn());
    const state = properties(unwrap(request.getProperties()));
    const protection = protections[type];
    if (protection !== undefined && state[protection.by] === true && !this.settings.unprotected)
      throw new Error(`deleting ${type} (${request.getId()}): ${protection.words}`);
    await this.#backed[type]?.remove?.(request.getId());
    return new Empty();
  }

  #invoke(request: proto.InvokeRequest): proto.InvokeResponse {
    const token = request.getTok();
    const declared = this.settings.schema.functions[token];
    if (declared === undefined) throw new Error(`the stand-in for AWS cannot answer ${token}`);
    const args = unwrap(request.getArgs());
    const failures = check(declared.inputs, args, this.settings.schema.types);
    if (failures.length > 0)
      return new proto.InvokeResponse().setFailuresList(
        failures.map(({ property, reason }) => new proto.CheckFailure().setProperty(property).setReason(reason)),
      );
    const answer = computeCall(token, properties(args));
    const undeclared = Object.keys(answer).find((output) => !declared.outputs.includes(output));
    if (undeclared !== undefined) throw new Error(`${token} answers no "${undeclared}", which the model says it does`);
    return new proto.InvokeResponse().setReturn(wrap(plain(answer)));
  }
}

/** Without the marks of secrets. */
function properties(bag: WireObject): Properties {
  const shown = reveal(bag);
  return isObject(shown) ? shown : {};
}

/** The model's values are JSON. */
function plain(bag: Properties): WireObject {
  return JSON.parse(JSON.stringify(bag)) as WireObject;
}
