import type { Client } from "ssh2";

/** What ssh2 keeps inside a client, as far as it is needed here; its version is pinned, and a test runs over this. */
interface Inside {
  readonly _protocol: {
    env(channel: number, name: string, value: string, wantReply: boolean): void;
    exec(channel: number, command: string, wantReply: boolean): void;
  };
  readonly _chanMgr: {
    readonly _channels: Readonly<Record<string, Channel | ((...args: never[]) => void) | undefined>>;
  };
}

interface Channel {
  readonly outgoing: { readonly id: number };
  readonly _callbacks: ((failed: boolean) => void)[];
}

/**
 * Makes the next `exec` of a client wait until the host has answered for each variable of the environment; ssh2 by itself
 * asks for no answer, so that a variable the host does not accept would go missing without a word.
 *
 * @param handle `refused` is told of each variable not accepted, and decides whether the command may run all the same.
 */
export function sendEnvironment(client: Client, handle: { refused: (name: string) => boolean }): void {
  const inside = client as unknown as Inside;
  const protocol = inside._protocol;
  const [env, exec] = [protocol.env.bind(protocol), protocol.exec.bind(protocol)];
  const answers: Promise<boolean>[] = [];

  protocol.env = (id, name, value) => {
    const channel = Object.values(inside._chanMgr._channels).find(
      (item): item is Channel => typeof item === "object" && item.outgoing.id === id,
    );
    if (channel === undefined) throw new Error(`ssh: no open channel for the environment variable "${name}"`);
    answers.push(
      new Promise((resolve) => channel._callbacks.push((failed) => resolve(!failed || handle.refused(name)))),
    );
    env(id, name, value, true);
  };
  protocol.exec = (id, command, wantReply) => {
    void Promise.all(answers).then((allowed) => {
      if (allowed.every(Boolean)) exec(id, command, wantReply);
    });
  };
}
