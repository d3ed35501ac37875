import * as grpc from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { isObject, type ChangeKind, type Wire, type WireObject } from "./wire";

/**
 * The provider protocol between the engine's messages and property bags. `@pulumi/pulumi/provider` is not used, because it
 * hands on neither `preview` nor the resource's `customTimeouts`, and prints errors twice.
 */

type Unary<Request, Response> = (
  call: grpc.ServerUnaryCall<Request, Response>,
  callback: grpc.sendUnaryData<Response>,
) => void;

export function unwrap(struct: Struct | undefined): WireObject {
  const value: Wire | undefined = struct?.toJavaScript();
  return isObject(value) ? value : {};
}

export function wrap(value: WireObject): Struct {
  return Struct.fromJavaScript(value);
}

/** One method of the protocol; what it throws is told to the engine by its message. */
export function unary<Request, Response>(
  handle: (request: Request) => Response | Promise<Response>,
): Unary<Request, Response> {
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

/** The parts of a URN `urn:pulumi:stack::project::parent$type::name`. */
export function partsOf(urn: string): { type: string; name: string } {
  const [, , types = "", ...name] = urn.split("::");
  return { type: types.split("$").pop() ?? "", name: name.join("::") };
}

/** Serves a provider's methods on a port of the loopback interface, and returns it. */
export function listen(handlers: grpc.UntypedServiceImplementation): Promise<number> {
  const limit = 400 * 1024 * 1024;
  const server = new grpc.Server({ "grpc.max_receive_message_length": limit, "grpc.max_send_message_length": limit });
  server.addService(ResourceProviderService, handlers);
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}

export interface Failure {
  readonly property: string;
  readonly reason: string;
}

export function checked(inputs: WireObject, failures: readonly Failure[]): proto.CheckResponse {
  return new proto.CheckResponse()
    .setInputs(wrap(inputs))
    .setFailuresList(
      failures.map(({ property, reason }) => new proto.CheckFailure().setProperty(property).setReason(reason)),
    );
}

const { ADD, DELETE, UPDATE, ADD_REPLACE, DELETE_REPLACE, UPDATE_REPLACE } = proto.PropertyDiff.Kind;
const updates: Record<ChangeKind, proto.PropertyDiff.Kind> = { add: ADD, delete: DELETE, update: UPDATE };
const replaces: typeof updates = { add: ADD_REPLACE, delete: DELETE_REPLACE, update: UPDATE_REPLACE };

/** The property of the resource that a path such as `triggers[0]` is in. */
export function propertyOf(path: string): string {
  return path.split(/[.[]/, 1)[0] ?? path;
}

/**
 * @param found the paths that differ, with the kind of each difference
 * @param replacing the paths of them by which the resource is made anew
 */
export function differing(
  found: ReadonlyMap<string, ChangeKind>,
  replacing: ReadonlySet<string> = new Set(),
): proto.DiffResponse {
  const { DIFF_SOME, DIFF_NONE } = proto.DiffResponse.DiffChanges;
  const response = new proto.DiffResponse().setChanges(found.size > 0 ? DIFF_SOME : DIFF_NONE).setHasdetaileddiff(true);
  for (const [path, kind] of found) {
    const kinds = replacing.has(path) ? replaces : updates;
    response.getDetaileddiffMap().set(path, new proto.PropertyDiff().setKind(kinds[kind]).setInputdiff(true));
    response.addDiffs(propertyOf(path));
    if (replacing.has(path)) response.addReplaces(propertyOf(path));
  }
  return response;
}
