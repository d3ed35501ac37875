import { type IncomingMessage, type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Stands for EC2's instance metadata service, version 2: it gives the credentials of an instance's profile, and nothing without
 * a token.
 */
export class Metadata {
  /** Whether the instance has a profile. */
  profile = true;
  #server: Server;
  readonly #token = "of-the-test";

  private constructor() {
    this.#server = createServer((request, response) => {
      const [status, body] = this.#answer(request);
      response.writeHead(status, { "content-type": "text/plain" }).end(body);
    });
  }

  /** @param address that the hosts reach it at */
  static async start(address: string): Promise<Metadata> {
    const metadata = new Metadata();
    await new Promise<void>((resolve) => metadata.#server.listen(0, address, resolve));
    metadata.#server.unref();
    return metadata;
  }

  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${address}:${port}`;
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #answer({ method, url, headers }: IncomingMessage): [number, string] {
    if (method === "PUT" && url === "/latest/api/token")
      return headers["x-aws-ec2-metadata-token-ttl-seconds"] === undefined ? [400, ""] : [200, this.#token];
    if (headers["x-aws-ec2-metadata-token"] !== this.#token) return [401, ""];
    const profiles = "/latest/meta-data/iam/security-credentials";
    if (!this.profile || url === undefined) return [404, ""];
    if (url === profiles || url === `${profiles}/`) return [200, "host"];
    if (url === `${profiles}/host`) return [200, JSON.stringify(credentials(), null, 2)];
    return [404, ""];
  }
}

function credentials() {
  return {
    Code: "Success",
    Type: "AWS-HMAC",
    AccessKeyId: "ASIATESTTESTTESTTEST",
    SecretAccessKey: "secret/of+the/test",
    Token: "token/of+the/test==",
    Expiration: new Date(Date.now() + 3_600_000).toISOString(),
  };
}
