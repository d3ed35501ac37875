import { createHash } from "node:crypto";
import { readFile, readdir, readlink } from "node:fs/promises";
import { createServer } from "node:net";
import { PipelineError } from "../errors.js";
import { run } from "../process.js";

/** The only address the local server listens on. */
export const localHost = "127.0.0.1";

/**
 * Where automatic ports are taken from: below the range that systems give to outgoing connections, so that a port kept
 * from one start to the next is seldom taken by chance.
 */
const automaticPorts = { from: 15_432, count: 1_000 } as const;

/** The ports to try for a directory, the same first one each time, so that two checkouts seldom want the same. */
export function candidatePorts(directory: string): number[] {
  const start = createHash("sha256").update(directory).digest().readUInt32BE(0) % automaticPorts.count;
  return Array.from(
    { length: automaticPorts.count },
    (_, at) => automaticPorts.from + ((start + at) % automaticPorts.count),
  );
}

/** Whether nothing listens there. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: localHost, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** @throws PipelineError `NO_PORT` where all are taken. */
export async function freePort(directory: string, except: ReadonlySet<number> = new Set()): Promise<number> {
  for (const port of candidatePorts(directory)) {
    if (!except.has(port) && (await isFree(port))) return port;
  }
  throw new PipelineError({
    code: "NO_PORT",
    kind: "refused",
    message: `No free port from ${automaticPorts.from} to ${automaticPorts.from + automaticPorts.count - 1} on ${localHost}.`,
    state: "Nothing was changed.",
    next: "Choose one in the stack's configuration: its port for the local database.",
  });
}

/** The process that listens on a port, in words; `undefined` where the system does not tell. */
export async function portHolder(port: number): Promise<string | undefined> {
  const inode = await listeningSocket(port);
  if (inode !== undefined) {
    for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
      const links = await readdir(`/proc/${pid}/fd`).catch(() => []);
      for (const fd of links) {
        const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "");
        if (target === `socket:[${inode}]`)
          return `process ${pid} (${(await readFile(`/proc/${pid}/comm`, "utf8")).trim()})`;
      }
    }
    return undefined;
  }
  try {
    const { stdout } = await run("lsof", ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpc"], { cwd: "/" });
    const [, pid, name] = /^p(\d+)\nc(.*)$/m.exec(stdout) ?? [];
    return pid === undefined ? undefined : `process ${pid} (${name})`;
  } catch {
    return undefined;
  }
}

/** Inode of the socket that listens on a port, from Linux's tables of sockets. */
async function listeningSocket(port: number): Promise<string | undefined> {
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const text = await readFile(table, "utf8").catch(() => "");
    const inode = findListening(text, port);
    if (inode !== undefined) return inode;
  }
  return undefined;
}

/** `0A` is the state LISTEN; addresses and ports are in hexadecimal (Linux, `Documentation/networking/proc_net_tcp`). */
export function findListening(table: string, port: number): string | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  for (const line of table.split("\n")) {
    const fields = line.trim().split(/\s+/);
    if (fields[1]?.endsWith(suffix) === true && fields[3] === "0A") return fields[9];
  }
  return undefined;
}

/** A port that was asked for and that something else has. */
export async function portInUse(port: number): Promise<PipelineError> {
  const holder = (await portHolder(port)) ?? "another program (the system does not tell which)";
  return new PipelineError({
    code: "PORT_IN_USE",
    kind: "refused",
    message: `Port ${port}, configured for the local database, is in use by ${holder}.`,
    state: "The local database is not running; its data is as it was.",
    next: "Stop that program or configure another port (0: a free one is chosen), then run: npm start",
  });
}
