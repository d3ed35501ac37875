import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { DeleteDBSnapshotCommand, RDSClient } from "@aws-sdk/client-rds";
import { type Moto, motoRegion } from "../moto.js";
import { Estate } from "./estate.js";
import { errorXml, rewriteInstances, rewriteSnapshots, withBackups } from "./xml.js";

/** A refusal that is given in place of an answer. */
export interface Refusal {
  /** As RDS calls it on the wire: `SnapshotQuotaExceeded`. */
  readonly code: string;
  readonly message: string;
  /** @default 400 */
  readonly status?: number;
  /** How often it is given. @default always */
  readonly times?: number;
}

/**
 * A stand-in for RDS, whose control plane cannot be had here. Requests go to moto, which holds them and its answers to the schema that
 * AWS publishes (botocore's); what they make is made for real beside it: a DB snapshot is a `pg_basebackup` of a running PostgreSQL, an
 * instance that is restored a PostgreSQL on such a copy, to a moment by its archived log. What it cannot show is what AWS alone decides:
 * rights, quotas (which a test has it say), and how long anything takes.
 */
export class RdsStandIn {
  readonly requests: { readonly action: string; readonly parameters: URLSearchParams }[] = [];
  readonly #refusals = new Map<string, { refusal: Refusal; left: number }>();

  private constructor(
    private readonly moto: Moto,
    readonly estate: Estate,
    private readonly server: Server,
  ) {}

  static async start(moto: Moto, directory: string): Promise<RdsStandIn> {
    const server = createServer();
    const standIn = new RdsStandIn(moto, new Estate(moto, directory), server);
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      standIn.#answer(request, response).catch((error: unknown) => {
        response.writeHead(500, { "content-type": "text/plain" }).end(String(error));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    server.unref();
    return standIn;
  }

  /** The environment in which the AWS SDK comes here for RDS, and to moto for all else. */
  get env(): Readonly<Record<string, string>> {
    const { port } = this.server.address() as AddressInfo;
    return {
      ...this.moto.env,
      AWS_ENDPOINT_URL: this.moto.endpoint,
      AWS_ENDPOINT_URL_RDS: `http://127.0.0.1:${port}`,
    };
  }

  /** Refuses an action from now on. */
  refuse(action: string, refusal: Refusal): void {
    this.#refusals.set(action, { refusal, left: refusal.times ?? Infinity });
  }

  /** Refuses nothing any more. */
  allow(): void {
    this.#refusals.clear();
  }

  /** How often an action was asked for. */
  count(action: string): number {
    return this.requests.filter((request) => request.action === action).length;
  }

  /** Deletes a DB snapshot as somebody else would. */
  async forget(identifier: string): Promise<void> {
    const client = new RDSClient({ endpoint: this.env["AWS_ENDPOINT_URL_RDS"], region: motoRegion });
    await client.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: identifier }));
    client.destroy();
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await this.estate.stop();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const parameters = new URLSearchParams(body);
    const action = parameters.get("Action") ?? "";
    this.requests.push({ action, parameters });
    const refused = this.#refusal(action) ?? (await this.estate.refusal(action, parameters));
    const send = (status: number, answer: string) =>
      response.writeHead(status, { "content-type": "text/xml" }).end(answer);
    if (refused !== undefined) return void send(refused.status ?? 400, errorXml(refused));
    const headers = Object.fromEntries(
      Object.entries(request.headers).flatMap(([name, value]) =>
        typeof value === "string" && !["host", "content-length", "connection", "expect"].includes(name)
          ? [[name, value]]
          : [],
      ),
    );
    const answered = await fetch(this.moto.endpoint, { method: "POST", headers, body });
    const said = await answered.text();
    if (answered.status === 200) await this.estate.act(action, parameters);
    const shown = rewriteSnapshots(rewriteInstances(said, this.estate), this.estate);
    const window = this.estate.windowOf(parameters.get("DBInstanceIdentifier") ?? "");
    send(answered.status, action === "DescribeDBInstanceAutomatedBackups" ? withBackups(shown, window) : shown);
  }

  #refusal(action: string): Refusal | undefined {
    const found = this.#refusals.get(action);
    if (found === undefined || found.left <= 0) return undefined;
    found.left--;
    return found.refusal;
  }
}
