import { createHash } from "node:crypto";
import { type IncomingMessage, type Server, type ServerResponse, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * What becomes of a request: it goes through, is answered with a status, is cut after so many bytes of its answer, or is
 * cut before any of it went on.
 */
export type Fate = "pass" | { readonly status: number; readonly body?: string } | { readonly cutAfter: number } | "cut";

export interface FaultyProxy {
  readonly endpoint: string;
  /** Requests so far, as `METHOD /path?query`. */
  readonly seen: string[];
  /** Requests whose body is not what their `x-amz-checksum-sha256` says, or that have a body and none; as S3 itself compares. */
  readonly unchecked: string[];
  /** Decides on each request; set anew by each test. */
  decide: (what: string, count: number) => Fate;
  stop(): Promise<void>;
}

/** A proxy before an HTTP server that does to requests what networks and services do. */
export async function faultyProxy(target: string): Promise<FaultyProxy> {
  const seen: string[] = [];
  const unchecked: string[] = [];
  const proxy: Omit<FaultyProxy, "endpoint" | "stop"> = { seen, unchecked, decide: () => "pass" };
  const server: Server = createServer((incoming, outgoing) => {
    const what = `${incoming.method} ${incoming.url}`;
    seen.push(what);
    if (incoming.method === "PUT") {
      const hash = createHash("sha256");
      incoming.on("data", (chunk: Buffer) => hash.update(chunk));
      incoming.on("end", () => {
        if (incoming.headers["x-amz-checksum-sha256"] !== hash.digest("base64")) unchecked.push(what);
      });
    }
    const fate = proxy.decide(what, seen.filter((other) => other === what).length);
    if (fate === "cut") incoming.socket.destroy();
    else if (fate !== "pass" && "status" in fate) answer(incoming, outgoing, fate.status, fate.body);
    else forward(target, incoming, outgoing, fate === "pass" ? Infinity : fate.cutAfter);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(proxy, {
    endpoint: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

function answer(incoming: IncomingMessage, outgoing: ServerResponse, status: number, body = ""): void {
  incoming.resume();
  incoming.on("end", () => outgoing.writeHead(status, { "content-type": "application/xml" }).end(body));
}

function forward(target: string, incoming: IncomingMessage, outgoing: ServerResponse, limit: number): void {
  const upstream = request(`${target}${incoming.url}`, { method: incoming.method, headers: incoming.headers });
  incoming.pipe(upstream);
  upstream.on("error", () => outgoing.destroy());
  upstream.on("response", (response) => {
    outgoing.writeHead(response.statusCode ?? 502, response.headers);
    let left = limit;
    response.on("data", (chunk: Buffer) => {
      outgoing.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left < 0) outgoing.destroy();
    });
    response.on("end", () => outgoing.end());
  });
}
