import type * as grpc from "@grpc/grpc-js";
import { PluginAttach, PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { EngineLog } from "./engineLog";
import { check } from "./inputs";
import type { RunContext } from "./local";
import { checked, differing, listen, unary, unwrap, wrap } from "./protocol";
import * as resources from "./resources";
import { functions, resources as schemas, version } from "./schema";
import { changes } from "./wire";

/** The provider as the engine sees it. */
export class CommandServer {
  #log: EngineLog;
  readonly #running = new Set<AbortController>();

  constructor(engineAddress: string | undefined) {
    this.#log = new EngineLog(engineAddress);
  }

  /** Listens on a port of the loopback interface, and returns it. */
  listen(): Promise<number> {
    return listen(this.#handlers());
  }

  /** Stops everything that runs, as when the update is cancelled. */
  cancelAll(): void {
    for (const controller of this.#running) controller.abort();
  }

  #handlers(): grpc.UntypedServiceImplementation {
    return {
      attach: unary((request: PluginAttach) => {
        this.#log = new EngineLog(request.getAddress());
        return new Empty();
      }),
      cancel: unary(() => {
        this.cancelAll();
        return new Empty();
      }),
      getPluginInfo: unary(() => new PluginInfo().setVersion(version)),
      getSchema: unary(() => new proto.GetSchemaResponse().setSchema(describe())),
      configure: unary(() => new proto.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true)),
      check: unary((request: proto.CheckRequest) => this.#check(request)),
      diff: unary((request: proto.DiffRequest) => this.#diff(request)),
      create: unary((request: proto.CreateRequest) => this.#create(request)),
      read: unary((request: proto.ReadRequest) =>
        new proto.ReadResponse()
          .setId(request.getId())
          .setProperties(request.getProperties())
          .setInputs(request.getInputs()),
      ),
      update: unary((request: proto.UpdateRequest) => this.#update(request)),
      delete: unary((request: proto.DeleteRequest) =>
        this.#run(request.getUrn(), request.getTimeout(), async (context) => {
          await resources.remove(request.getUrn(), unwrap(request.getProperties()), context);
          return new Empty();
        }),
      ),
      invoke: unary((request: proto.InvokeRequest) => this.#invoke(request)),
    };
  }

  #check(request: proto.CheckRequest): proto.CheckResponse {
    const { inputs, failures } = check(resources.schemaOf(request.getUrn()), unwrap(request.getNews()));
    return checked(inputs, failures);
  }

  /** Every changed input is an update; that changed `triggers` replace is asked for by the SDK (`replaceOnChanges`). */
  #diff(request: proto.DiffRequest): proto.DiffResponse {
    const news = unwrap(request.getNews());
    const olds = unwrap(request.getOldInputs());
    for (const name of request.getIgnorechangesList()) {
      if (olds[name] !== undefined) news[name] = olds[name];
    }
    return differing(changes(olds, news));
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
