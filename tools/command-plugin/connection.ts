import { createHash, timingSafeEqual } from "node:crypto";
import type { Duplex } from "node:stream";
import { Client, type ConnectConfig, type ServerHostKeyAlgorithm } from "ssh2";
import type { Connection, Endpoint } from "./inputs";
import type { RunContext } from "./local";

/**
 * Opens an SSH connection, through the proxy if one is given. Each dial is tried again with a growing pause (0.1 s, half as
 * much again each time, 5 s at most) until `dialErrorLimit` attempts failed; -1 tries until the update is stopped.
 *
 * @throws Error `after N failed attempts: …`, `failed to parse host key: …`, or whatever stopped it.
 */
export async function dial(connection: Connection, context: RunContext): Promise<Client> {
  const { proxy } = connection;
  if (proxy === undefined) {
    return dialWithRetry("Dial", connection.dialErrorLimit, context, () => connect(connection, undefined, context));
  }
  try {
    const jump = await dialWithRetry("Dial proxy", proxy.dialErrorLimit, context, () =>
      connect(proxy, undefined, context),
    );
    try {
      const client = await dialWithRetry("Dial", connection.dialErrorLimit, context, async () =>
        connect(connection, await forward(jump, connection), context),
      );
      client.once("close", () => jump.end());
      return client;
    } catch (error) {
      jump.end();
      throw error;
    }
  } catch (error) {
    throw new Error(`proxy: ${text(error)}`, { cause: error });
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function dialWithRetry<T>(
  what: string,
  limit: number,
  context: RunContext,
  attempt: () => Promise<T>,
): Promise<T> {
  let pause = 100;
  for (let tries = 0; ; tries++) {
    if (context.signal.aborted) throw new Error("context canceled");
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof ConfigurationError) throw error;
      if (limit > -1 && tries + 1 > limit)
        throw new Error(`after ${tries} failed attempts: ${text(error)}`, { cause: error });
      context.status(`${what} ${tries + 1}/${limit === -1 ? "inf" : limit} failed: retrying`);
    }
    await sleep(pause, context.signal);
    pause = Math.min(pause * 1.5, 5_000);
  }
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done, { once: true });
  });
}

/** A mistake in the connection's own settings: no other attempt can go better. */
class ConfigurationError extends Error {}

function connect(endpoint: Endpoint, through: Duplex | undefined, context: RunContext): Promise<Client> {
  const client = new Client();
  return new Promise((resolve, reject) => {
    const abort = () => {
      client.destroy();
      reject(new Error("context canceled"));
    };
    context.signal.addEventListener("abort", abort, { once: true });
    let refusal: string | undefined;
    client.once("ready", () => {
      context.signal.removeEventListener("abort", abort);
      // Else each small packet waits for the answer to the one before: forty milliseconds for each step of a copy.
      client.setNoDelay(true);
      resolve(client);
    });
    client.on("error", (error) => {
      context.signal.removeEventListener("abort", abort);
      reject(
        new Error(refusal ?? (through === undefined ? dialError(error) : `ssh: ${error.message}`), { cause: error }),
      );
    });
    client.on("keyboard-interactive", (_name, _instructions, _language, prompts, finish) =>
      finish(prompts.map(() => endpoint.password ?? "")),
    );
    try {
      client.connect({ ...configuration(endpoint, (reason) => (refusal = reason)), sock: through });
    } catch (error) {
      context.signal.removeEventListener("abort", abort);
      reject(error instanceof ConfigurationError ? error : new ConfigurationError(text(error), { cause: error }));
    }
  });
}

function dialError(error: Error & { level?: string }): string {
  if (error.level === "client-authentication")
    return `ssh: handshake failed: ssh: unable to authenticate: ${error.message}`;
  return error.message;
}

function configuration(endpoint: Endpoint, refuse: (reason: string) => void): ConnectConfig {
  const hostKey = endpoint.hostKey === undefined ? undefined : parseHostKey(endpoint.hostKey);
  return {
    host: endpoint.host,
    port: Math.trunc(endpoint.port),
    username: endpoint.user,
    password: endpoint.password,
    tryKeyboard: endpoint.password !== undefined,
    privateKey: endpoint.privateKey,
    passphrase: endpoint.privateKeyPassword,
    agent: endpoint.agentSocketPath ?? process.env.SSH_AUTH_SOCK,
    readyTimeout: endpoint.perDialTimeout * 1000,
    algorithms: hostKey === undefined ? undefined : { serverHostKey: [hostKey.type] },
    // Without a host key the host's is not looked at, as with pulumi-command.
    hostVerifier: (key: Buffer) => {
      if (hostKey === undefined || same(key, hostKey.blob)) return true;
      refuse("ssh: handshake failed: ssh: host key mismatch");
      return false;
    },
  };
}

function same(left: Buffer, right: Buffer): boolean {
  const digest = (data: Buffer) => createHash("sha256").update(data).digest();
  return timingSafeEqual(digest(left), digest(right));
}

/** Takes a line as in `authorized_keys` apart: `ssh-ed25519 AAAA… comment`. */
export function parseHostKey(line: string): { type: ServerHostKeyAlgorithm; blob: Buffer } {
  const words = line.trim().split(/\s+/);
  const index = words.findIndex((word) => /^(ssh-|ecdsa-|sk-)/.test(word));
  const [type, encoded] = [words[index], words[index + 1]];
  const blob = Buffer.from(encoded ?? "", "base64");
  const declared = blob.length > 4 ? blob.subarray(4, 4 + blob.readUInt32BE(0)).toString("latin1") : "";
  if (type === undefined || declared !== type)
    throw new ConfigurationError("failed to parse host key: ssh: no key found");
  return { type: type as ServerHostKeyAlgorithm, blob };
}

function forward(jump: Client, to: Endpoint): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    jump.forwardOut("127.0.0.1", 0, to.host, Math.trunc(to.port), (error, channel) =>
      error ? reject(error) : resolve(channel),
    );
  });
}
