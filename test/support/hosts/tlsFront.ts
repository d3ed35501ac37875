import { readFile } from "node:fs/promises";
import { type AddressInfo, type Socket, connect } from "node:net";
import { type Server, createServer } from "node:tls";
import { makeCertificate } from "../certificate.js";

/** TLS before a service that speaks none: pgBackRest takes nothing else. Its certificate is signed by an authority of its own. */
export class TlsFront {
  private constructor(
    /** The authority's certificate (PEM). */
    readonly authorities: string,
    private readonly server: Server,
    private readonly open: ReadonlySet<Socket>,
  ) {}

  /**
   * @param folder that certificate and keys are made in
   * @param address that it listens at
   * @param behind URL of the service
   */
  static async start(folder: string, address: string, behind: string): Promise<TlsFront> {
    const { authority, certificate, key } = await makeCertificate(folder, address);
    const { hostname, port } = new URL(behind);
    const open = new Set<Socket>();
    const server = createServer({ cert: await readFile(certificate), key: await readFile(key) }, (outside) => {
      const inside = connect(Number(port), hostname);
      open.add(outside);
      outside.on("close", () => open.delete(outside));
      outside.pipe(inside).pipe(outside);
      outside.on("error", () => inside.destroy());
      inside.on("error", () => outside.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    server.unref();
    return new TlsFront(await readFile(authority, "utf8"), server, open);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  stop(): void {
    this.server.close();
    for (const connection of this.open) connection.destroy();
  }
}
