import type { Client, ClientChannel } from "ssh2";
import { dial } from "./connection";
import type { CommandInputs } from "./inputs";
import type { RunContext } from "./local";
import { OutputCapture, previousOutput, type Captured } from "./output";
import { sendEnvironment } from "./sshEnvironment";

/**
 * Runs a command on another host, over SSH.
 *
 * @throws Error `Process exited with status N: running "…":` and all that was printed; or why no connection came about; or
 *   which variable of `environment` the host does not accept, before anything ran.
 */
export async function runRemote(
  command: string,
  inputs: CommandInputs,
  previous: Captured,
  context: RunContext,
): Promise<Captured> {
  if (inputs.connection === undefined) throw new Error(`connection: missing required field "connection"`);
  const client = await dial(inputs.connection, context);
  const stop = () => client.destroy();
  context.signal.addEventListener("abort", stop, { once: true });
  try {
    return await execute(client, command, inputs, previous, context);
  } finally {
    context.signal.removeEventListener("abort", stop);
    client.end();
  }
}

interface Ending {
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

async function execute(
  client: Client,
  command: string,
  inputs: CommandInputs,
  previous: Captured,
  context: RunContext,
): Promise<Captured> {
  const output = new OutputCapture(inputs.logging, context.status);
  const ending = await new Promise<Ending>((resolve, reject) => {
    let last: Ending = { code: undefined, signal: undefined };
    // The connection may break at any time; what was known of the command's end by then is all there will be.
    client.on("error", reject);
    client.on("close", () => resolve(last));
    open(client, command, inputs, previous, context, reject, (channel) => {
      channel.on("data", (chunk: Buffer) => output.stdout(chunk));
      channel.stderr.on("data", (chunk: Buffer) => output.stderr(chunk));
      channel.on("exit", (code: number | null, signal?: string) => (last = { code: code ?? undefined, signal }));
      channel.on("close", () => resolve(last));
      channel.on("error", reject);
      if (inputs.stdin !== undefined && inputs.stdin !== "") channel.end(inputs.stdin);
      else channel.end();
    });
  });
  output.finish();
  if (ending.code === 0) return output.captured();
  throw output.failure(reasonOf(ending), command);
}

function reasonOf({ code, signal }: Ending): string {
  if (code !== undefined) return `Process exited with status ${code}`;
  if (signal !== undefined) return `Process exited with status 128 from signal ${signal.replace(/^SIG/, "")}`;
  return "wait: remote command exited without exit status or exit signal";
}

/** Starts the command. `onOpen` is called in the same turn as the host's answer, so that nothing it says is missed. */
function open(
  client: Client,
  command: string,
  inputs: CommandInputs,
  previous: Captured,
  context: RunContext,
  onFailure: (error: Error) => void,
  onOpen: (channel: ClientChannel) => void,
): void {
  sendEnvironment(client, {
    refused: (name) => {
      const advice = `Unable to set '${name}'. This only works if the SSH server accepts these variables (AcceptEnv); otherwise pass the values on standard input or write them before the command ('VAR=value command')`;
      if (name in inputs.environment) {
        context.error(advice);
        onFailure(new Error(`could not set environment variable "${name}": ssh: setenv failed`));
        return false;
      }
      context.warn(advice);
      return true;
    },
  });
  const env = { ...previousOutput(previous, inputs.addPreviousOutputInEnv), ...inputs.environment };
  client.exec(command, { env }, (error, channel) => (error ? onFailure(error) : onOpen(channel)));
}
