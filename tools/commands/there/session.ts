import { type Client, type ClientChannel } from "ssh2";
import { createInterface } from "node:readline";
import { PipelineError, messageOf } from "../../../pipeline/errors.js";
import { dial } from "../../command-plugin/connection.js";
import { copyToRemote } from "../../command-plugin/copyToRemote.js";
import type { Connection } from "../../command-plugin/inputs.js";
import type { RunContext } from "../../command-plugin/local.js";

/** How a program on the host ended. */
export interface Ended {
  /** Absent where the connection broke or a signal ended it. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
}

/** Attempts to connect: a host that does not answer now is not waited for. */
const attempts = 3;

/** A host that commands run on, by SSH, whose host key is known. */
export class HostSession {
  private constructor(
    readonly connection: Connection,
    private readonly client: Client,
    private readonly context: RunContext,
  ) {}

  /**
   * @param say is told of each attempt that failed while there are others to come
   * @throws PipelineError where the host does not answer, is another one (by its key), or does not take the client's key.
   */
  static async open(
    endpoint: Omit<Connection, "dialErrorLimit" | "perDialTimeout">,
    signal: AbortSignal,
    dialErrorLimit = attempts,
    say: (line: string) => void = () => undefined,
  ) {
    const connection = { ...endpoint, dialErrorLimit, perDialTimeout: 15 };
    const where = `${endpoint.user}@${endpoint.host}:${endpoint.port}`;
    const status = (text: string) => say(`no connection to ${where} yet: ${text}`);
    const context = { signal, status, warn: () => undefined, error: () => undefined };
    try {
      return new HostSession(connection, await dial(connection, context), { ...context, status: () => undefined });
    } catch (error) {
      throw new PipelineError(
        {
          code: "HOST",
          kind: "refused",
          message: `${where} cannot be reached by SSH: ${messageOf(error)}.`,
          state: "Nothing was touched: there was no connection.",
          next: "Look whether the host runs, whether connection.from names your address, and whether the keys are the stack's; then run the same command.",
        },
        { cause: error },
      );
    }
  }

  /** Runs a constant command; what differs goes to its standard input. On abort it gets SIGINT. */
  async run(command: string, stdin: string, onStderr: (line: string) => void): Promise<Ended> {
    const channel = await new Promise<ClientChannel>((resolve, reject) =>
      this.client.exec(command, (error, opened) => (error ? reject(error) : resolve(opened))),
    );
    const stop = () => channel.signal("INT");
    this.context.signal.addEventListener("abort", stop, { once: true });
    try {
      return await new Promise<Ended>((resolve) => {
        let stdout = "";
        let exitCode: number | undefined;
        channel.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
        createInterface({ input: channel.stderr }).on("line", onStderr);
        channel.on("exit", (code: number | null) => (exitCode = code ?? undefined));
        channel.on("close", () => resolve({ exitCode, stdout }));
        this.client.once("close", () => resolve({ exitCode, stdout }));
        channel.end(stdin);
      });
    } finally {
      this.context.signal.removeEventListener("abort", stop);
    }
  }

  /** Copies the content of a folder. */
  copy(folder: string, remotePath: string): Promise<void> {
    const { connection } = this;
    return copyToRemote({ connection, source: { kind: "archive", path: `${folder}/` }, remotePath }, this.context);
  }

  end(): void {
    this.client.end();
  }
}
