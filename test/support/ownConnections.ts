import { createRequire } from "node:module";

/**
 * Imported for its effect, where one process runs many programs: gives each client of an engine a connection of its own.
 *
 * The clients of one process share the connection to an address, and what became of it. Where an engine has the port of one that
 * has ended, and that a client was still asking for, the new one's client fails at once and is not told why. The program then takes
 * it that its engine is ending, and loses what it had to say: its outputs.
 */
const settings: unknown = createRequire(__filename)("@pulumi/pulumi/runtime/settings.js");
const options = has(settings, "grpcClientOptions") ? settings.grpcClientOptions : undefined;
if (typeof options !== "object" || options === null) throw new Error("Pulumi's SDK has no grpcClientOptions any more");
Object.assign(options, { "grpc.use_local_subchannel_pool": 1 });

function has<Name extends string>(value: unknown, name: Name): value is Record<Name, unknown> {
  return typeof value === "object" && value !== null && name in value;
}
