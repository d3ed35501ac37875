import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { type HostConnection, connectionArgs } from "./hostConnection.js";
import { waitScript } from "./userData/waitScript.js";

export interface HostReadyArgs {
  readonly connection: HostConnection;
  /** Identifies the machine (the instance's id): another one is waited for anew. */
  readonly instance: pulumi.Input<string>;
  /** Known once the machine runs; another text waits anew, for a machine that stops between two runs. @default none */
  readonly started?: pulumi.Input<string>;
  /** How long the host may take from now on, in seconds. @default 900 */
  readonly timeoutSeconds?: number;
}

/**
 * Waits until a host answers by SSH and its user data is done. Its own resource, so that a host that is not ready fails here,
 * with the step and its log, and not in the middle of a run.
 *
 * A machine that boots refuses connections for a while, so they are tried until the time is over. The number of attempts is
 * limited, and not only their time, as only then does the provider say why the last one failed: a key that was refused, a host
 * key that is another one.
 */
export function hostReady(
  name: string,
  { connection, instance, started, timeoutSeconds = 900 }: HostReadyArgs,
  options: pulumi.CustomResourceOptions = {},
): command.remote.Command {
  return new command.remote.Command(
    name,
    {
      // The dials pause 13 s in all before each pause is 5 s.
      connection: connectionArgs(connection, 9 + Math.max(1, Math.ceil((timeoutSeconds - 13) / 5))),
      create: "bash -s",
      stdin:
        started === undefined
          ? waitScript(timeoutSeconds)
          : pulumi.output(started).apply((text) => `# ${text.trim()}\n${waitScript(timeoutSeconds)}`),
      triggers: [instance],
      logging: command.remote.Logging.Stderr,
      addPreviousOutputInEnv: false,
    },
    { ...options, customTimeouts: { create: `${timeoutSeconds * 2 + 60}s`, ...options.customTimeouts } },
  );
}
