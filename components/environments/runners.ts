import * as pulumi from "@pulumi/pulumi";
import type { Config } from "../../config.js";
import { bundlePipeline } from "../../tools/build/bundle.js";
import { hostBundle, hostProject } from "../../tools/build/hostBundle.js";
import type { HostKeys } from "../aws/host.js";
import type { HostConnection, SshEndpoint } from "../hostConnection.js";
import { hostReady } from "../hostReady.js";
import { RemoteRunner } from "../remoteRunner.js";
import { LocalRunner } from "../runner.js";
import type { Environment, EnvironmentArgs } from "./environment.js";
import { localProject } from "./here.js";

type Runs = Pick<Environment, "project" | "runner" | "host">;

/** Stages run on this machine. */
export async function runHere({ paths }: EnvironmentArgs): Promise<Runs> {
  const bundle = await bundlePipeline(paths);
  return { runner: new LocalRunner(bundle.cli), project: localProject(paths, bundle) };
}

/** A host that stages run on. */
export interface RunHost {
  readonly address: pulumi.Input<string>;
  /** Its identity: another one is waited for, and given the pipeline, anew. */
  readonly instance: pulumi.Input<string>;
  /** Whether it was set up by this program's user data, which is then waited for. */
  readonly ours: boolean;
  /** Known once it runs, where it stops between two runs. */
  readonly started?: pulumi.Output<string>;
}

/** Stages run on a host, by SSH. */
export async function runOnHost({ config, paths }: EnvironmentArgs, place: RunHost): Promise<Runs> {
  const { address, instance, ours, started } = place;
  const connection = connectionTo(config, address);
  const ready = ours
    ? hostReady("host-ready", { connection, instance, ...(started === undefined ? {} : { started }) }).stdout
    : undefined;
  const bundle = await hostBundle(paths);
  const runner = new RemoteRunner("runner", {
    connection,
    instance,
    bundle,
    ...(ready === undefined ? {} : { ready }),
  });
  const { port, user, hostKey } = config.connection;
  const host = pulumi
    .all([address, instance])
    .apply(([known, identity]) => ({ address: known, port, user, hostKey, instance: identity }));
  return { runner, project: await hostProject(paths), host };
}

/** The keys of the stack, its secrets kept as secrets. */
export function keysOf({ connection }: Config): HostKeys {
  return {
    publicKey: connection.publicKey,
    hostKey: connection.hostKey,
    hostPrivateKey: secretOf(connection.hostPrivateKey),
  };
}

function connectionTo({ connection }: Config, host: pulumi.Input<string>): HostConnection {
  const endpoint = ({
    port,
    user,
    hostKey,
    privateKey,
  }: Omit<Config["connection"], "proxy">): Omit<SshEndpoint, "host"> => ({
    port,
    user,
    hostKey,
    privateKey: secretOf(privateKey),
  });
  const { proxy } = connection;
  return {
    host,
    ...endpoint(connection),
    ...(proxy === undefined ? {} : { proxy: { host: proxy.host, ...endpoint({ ...connection, ...proxy }) } }),
  };
}

/** Pulumi hands secrets to its program as text. */
function secretOf(value: Config["connection"]["privateKey"]): pulumi.Output<string> {
  if (typeof value !== "string") throw new pulumi.RunError("a secret of the configuration is still encrypted");
  return pulumi.secret(value);
}
