import type * as command from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
import { pipelineUser } from "../config/hostPaths.js";

/** A machine that is reached by SSH. The host key is not optional: without one Pulumi would speak to whoever answers. */
export interface SshEndpoint {
  readonly host: pulumi.Input<string>;
  /** @default 22 */
  readonly port?: pulumi.Input<number>;
  /** @default the pipeline's account on hosts set up by this project */
  readonly user?: pulumi.Input<string>;
  /** The public host key, as in `known_hosts` without the name: `ssh-ed25519 AAAA…`. */
  readonly hostKey: pulumi.Input<string>;
  /** The client's private key, in OpenSSH's format; kept as a secret. */
  readonly privateKey: pulumi.Input<string>;
}

/** How a host is reached by SSH. */
export interface HostConnection extends SshEndpoint {
  /** A bastion on the way. */
  readonly proxy?: SshEndpoint;
}

/** Seconds that one attempt to connect may take. */
const secondsPerDial = 15;

/**
 * A {@link HostConnection} as the `command` provider takes it.
 *
 * @param dialErrorLimit failed attempts before it gives up; it pauses 5 s between attempts, less between the first ten
 */
export function connectionArgs(
  { proxy, ...host }: HostConnection,
  dialErrorLimit: number,
): command.types.input.remote.ConnectionArgs {
  const common = { perDialTimeout: secondsPerDial, dialErrorLimit };
  const at = (endpoint: SshEndpoint) => ({ port: 22, user: pipelineUser, ...endpoint, ...common });
  return { ...at(host), ...(proxy === undefined ? {} : { proxy: at(proxy) }) };
}
