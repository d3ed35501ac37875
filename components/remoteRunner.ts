import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { type HostConnection, connectionArgs } from "./hostConnection.js";
import { type Runner, type StageArgs, parseResult } from "./runner.js";
import { installScript, roomScript, stageCommand } from "./userData/bundleScripts.js";
import { hostPaths } from "../config/hostPaths.js";

/** What is copied to the host; see `tools/build/hostBundle.ts`. */
export interface BundleToCopy {
  /** Absolute path of the folder here. */
  readonly folder: string;
  /** SHA-256 over its files. */
  readonly hash: string;
  readonly bytes: number;
}

export interface RemoteRunnerArgs {
  readonly connection: HostConnection;
  /** Identifies the machine (the instance's id): another one is given the bundle anew. */
  readonly instance: pulumi.Input<string>;
  readonly bundle: BundleToCopy;
  /** What tells that the host is ready, e.g. `stdout` of `hostReady`; nothing is copied before. */
  readonly ready?: pulumi.Output<string>;
}

/** Attempts to reach a host that is known to be up: a few seconds of trouble on the way are sat out. */
const dialErrorLimit = 10;

/**
 * Runs stages on a host, by SSH: the pipeline is copied to it once for each of its versions, checked there and taken into use
 * as a whole; a stage is the same command as here, its request on standard input.
 *
 * Nothing is put into the environment, which sshd would refuse (`AcceptEnv`), and no value into the command's text, which a
 * shell reads. Where the connection breaks in the middle of a stage, the stage goes on on the host: it holds the locks that
 * keep a second one away, and its evidence is in the store.
 */
export class RemoteRunner extends pulumi.ComponentResource implements Runner {
  readonly #connection: command.types.input.remote.ConnectionArgs;
  readonly #installed: pulumi.Output<string>;

  constructor(name: string, args: RemoteRunnerArgs, options?: pulumi.ComponentResourceOptions) {
    super("safe-migration:index:RemoteRunner", name, {}, options);
    const { bundle, instance, ready } = args;
    this.#connection = connectionArgs(args.connection, dialErrorLimit);
    const script = (suffix: string, stdin: pulumi.Input<string>) =>
      new command.remote.Command(
        `${name}-${suffix}`,
        {
          connection: this.#connection,
          create: "bash -s",
          stdin,
          triggers: [instance],
          logging: command.remote.Logging.Stderr,
          addPreviousOutputInEnv: false,
        },
        { parent: this },
      );
    const room = script(
      "room",
      (ready ?? pulumi.output("")).apply(() => roomScript(bundle)),
    );
    const copy = new command.remote.CopyToRemote(
      `${name}-copy`,
      {
        connection: this.#connection,
        source: new pulumi.asset.FileArchive(`${bundle.folder}/`),
        remotePath: room.stdout.apply(() => `${hostPaths.bundles}/${bundle.hash}`),
        // Another host has nothing yet; the provider would not know.
        triggers: [instance, bundle.hash],
      },
      { parent: this },
    );
    const install = script(
      "install",
      copy.remotePath.apply(() => installScript(bundle.hash)),
    );
    this.#installed = install.stdout;
    this.registerOutputs({ bundle: bundle.hash });
  }

  stage(name: string, args: StageArgs, options: pulumi.CustomResourceOptions): pulumi.Output<unknown> {
    const run = (stage: string) => this.#installed.apply(() => stageCommand(stage));
    const stage = new command.remote.Command(
      name,
      {
        connection: this.#connection,
        create: run(args.stage),
        ...(args.onDelete === undefined ? {} : { delete: run(args.onDelete) }),
        stdin: pulumi.jsonStringify(args.request),
        logging: command.remote.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      options,
    );
    return parseResult(name, stage.stdout);
  }
}
