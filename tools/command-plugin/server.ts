import * as grpc from "@grpc/grpc-js";
import { PluginAttach, PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { EngineLog } from "./engineLog";
import { check } from "./inputs";
import type { RunContext } from "./local";
import * as resources from "./resources";
import { functions, resources as schemas, version } from "./schema";
import { changes, isObject, type ChangeKind, type Wire, type WireObject } from "./wire";

type Unary<Request, Response> = (
  call: grpc.ServerUnaryCall<Request, Response>,
  callback: grpc.sendUnaryData<Response>,
) => void;

function unwrap(struct: Struct | undefined): WireObject {
  const value: Wire | undefined = struct?.toJavaScript();
  return isObject(value) ? value : {};
}

function wrap(value: WireObject): Struct {
  return Struct.fromJavaScript(value);
}

const changeKinds: Record<ChangeKind, proto.PropertyDiff.Kind> = {
  add: proto.PropertyDiff.Kind.ADD,
  delete: proto.PropertyDiff.Kind.DELETE,
  update: proto.PropertyDiff.Kind.UPDATE,
};

/**
 * The provider as the engine sees it. `@pulumi/pulumi/provider` is not used, because it hands on neither `preview` nor the
 * resource's `customTimeouts`, and prints errors twice.
 */
export class CommandServer {
  #log: EngineLog;
  readonly #running = new Set<AbortController>();

  constructor(engineAddress: string | undefined) {
    this.#log = new EngineLog(engineAddress);
  }

  /** Listens on a port of the loopback interface, and returns it. */
  listen(): Promise<number> {
    const limit = 400 * 1024 * 1024;
    const server = new grpc.Server({ "grpc.max_receive_message_length": limit, "grpc.max_send_message_length": limit });
    server.addService(ResourceProviderService, this.#handlers());
    return new Promise((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
  }

  /** Stops everything that runs, as when the update is cancelled. */
  cancelAll(): void {
    for (const controller of this.#running) controller.abort();
  }

  #handlers(): grpc.UntypedServiceImplementation {
    return {
      attach: this.#unary((request: PluginAttach) => {
        this.#log = new EngineLog(request.getAddress());
        return new Empty();
      }),
      cancel: this.#unary(() => {
        this.cancelAll();
        return new Empty();
      }),
      getPluginInfo: this.#unary(() => new PluginInfo().setVersion(version)),
      getSchema: this.#unary(() => new proto.GetSchemaResponse().setSchema(describe())),
      configure: this.#unary(() => new proto.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true)),
      check: this.#unary((request: proto.CheckRequest) => this.#check(request)),
      diff: this.#unary((request: proto.DiffRequest) => this.#diff(request)),
      create: this.#unary((request: proto.CreateRequest) => this.#create(request)),
      read: this.#unary((request: proto.ReadRequest) =>
        new proto.ReadResponse()
          .setId(request.getId())
          .setProperties(request.getProperties())
          .setInputs(request.getInputs()),
      ),
      update: this.#unary((request: proto.UpdateRequest) => this.#update(request)),
      delete: this.#unary((request: proto.DeleteRequest) =>
        this.#run(request.getUrn(), request.getTimeout(), async (context) => {
          await resources.remove(request.getUrn(), unwrap(request.getProperties()), context);
          return new Empty();
        }),
      ),
      invoke: this.#unary((request: proto.InvokeRequest) => this.#invoke(request)),
    };
  }

  #unary<Request, Response>(handle: (request: Request) => Response | Promise<Response>): Unary<Request, Response> {
    return (call, callback) => {
      Promise.resolve(call.request)
        .then(handle)
        .then(
          (response) => callback(null, response),
          (error: unknown) =>
            callback({ code: grpc.status.UNKNOWN, details: error instanceof Error ? error.message : String(error) }),
        );
    };
  }

  #check(request: proto.CheckRequest): proto.CheckResponse {
    const { inputs, failures } = check(resources.schemaOf(request.getUrn()), unwrap(request.getNews()));
    return new proto.CheckResponse()
      .setInputs(wrap(inputs))
      .setFailuresList(
        failures.map((failure) => new proto.CheckFailure().setProperty(failure.property).setReason(failure.reason)),
      );
  }

  /** Every changed input is an update; that changed `triggers` replace is asked for by the SDK (`replaceOnChanges`). */
  #diff(request: proto.DiffRequest): proto.DiffResponse {
    const news = unwrap(request.getNews());
    const olds = unwrap(request.getOldInputs());
    for (const name of request.getIgnorechangesList()) {
      if (olds[name] !== undefined) news[name] = olds[name];
    }
    const found = changes(olds, news);
    const { SOME, NONE } = {
      SOME: proto.DiffResponse.DiffChanges.DIFF_SOME,
      NONE: proto.DiffResponse.DiffChanges.DIFF_NONE,
    };
    const response = new proto.DiffResponse().setChanges(found.size > 0 ? SOME : NONE).setHasdetaileddiff(true);
    for (const [path, kind] of found) {
      response.getDetaileddiffMap().set(path, new proto.PropertyDiff().setKind(changeKinds[kind]).setInputdiff(true));
      response.addDiffs(path.split(/[.[]/, 1)[0] ?? path);
    }
    return response;
  }

  #create(request: proto.CreateRequest): Promise<proto.CreateResponse> {
    return this.#run(request.getUrn(), request.getTimeout(), async (context) => {
      const inputs = unwrap(request.getProperties());
      const created = await resources.create(request.getUrn(), inputs, request.getPreview(), context);
      return new proto.CreateResponse().setId(created.id).setProperties(wrap(created.outputs));
    });
  }

  #update(request: proto.UpdateRequest): Promise<proto.UpdateResponse> {
    return this.#run(request.getUrn(), request.getTimeout(), async (context) => {
      const [state, inputs] = [unwrap(request.getOlds()), unwrap(request.getNews())];
      for (const name of request.getIgnorechangesList()) {
        if (state[name] !== undefined) inputs[name] = state[name];
      }
      const outputs = await resources.update(request.getUrn(), state, inputs, request.getPreview(), context);
      return new proto.UpdateResponse().setProperties(wrap(outputs));
    });
  }

  #invoke(request: proto.InvokeRequest): Promise<proto.InvokeResponse> {
    return this.#run("", 0, async (context) => {
      const outputs = await resources.invoke(request.getTok(), unwrap(request.getArgs()), context);
      return new proto.InvokeResponse().setReturn(wrap(outputs));
    });
  }

  /** Runs one operation so that the engine's `cancel`, or the resource's time-out (seconds, 0 for none), stops it. */
  async #run<T>(urn: string, timeout: number, operation: (context: RunContext) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const timer = timeout > 0 ? setTimeout(() => controller.abort(), timeout * 1000) : undefined;
    this.#running.add(controller);
    const log = this.#log;
    try {
      return await operation({
        signal: controller.signal,
        status: (line) => log.status(urn, line),
        warn: (line) => log.warn(urn, line),
        error: (line) => log.error(urn, line),
      });
    } finally {
      clearTimeout(timer);
      this.#running.delete(controller);
      await log.flushed();
    }
  }
}

/** Names only; who wants the whole schema takes it from the real provider. */
function describe(): string {
  return JSON.stringify({
    name: "command",
    version,
    description: "Stand-in for the command provider, for machines on which the real one cannot be had",
    resources: Object.fromEntries(Object.keys(schemas).map((type) => [type, {}])),
    functions: Object.fromEntries(Object.keys(functions).map((token) => [token, {}])),
  });
}
