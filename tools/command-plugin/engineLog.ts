import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

/** The engine's log. Messages arrive in the order given; one that cannot be delivered is dropped, as nothing reads it any more. */
export class EngineLog {
  readonly #client: EngineClient | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(address: string | undefined) {
    if (address !== undefined) this.#client = new EngineClient(address, grpc.credentials.createInsecure());
  }

  /** Shown at the resource while it is being worked on, and not kept. */
  status(urn: string, message: string): void {
    this.#send(LogSeverity.INFO, urn, message, true);
  }

  warn(urn: string, message: string): void {
    this.#send(LogSeverity.WARNING, urn, message, false);
  }

  error(urn: string, message: string): void {
    this.#send(LogSeverity.ERROR, urn, message, false);
  }

  /** Resolves when all that was logged so far has been delivered. */
  flushed(): Promise<void> {
    return this.#last;
  }

  #send(severity: LogSeverity, urn: string, message: string, ephemeral: boolean): void {
    const client = this.#client;
    if (client === undefined) return;
    const request = new LogRequest();
    request.setSeverity(severity);
    request.setUrn(urn);
    request.setMessage(message);
    request.setEphemeral(ephemeral);
    this.#last = this.#last.then(() => new Promise((resolve) => client.log(request, () => resolve())));
  }
}
