import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import { utils } from "ssh2";
import { HostSession } from "../../../tools/commands/there/session.js";
import { failsWith } from "../../pipeline/backupFixtures.js";

describe("a host that does not answer", () => {
  /** A port that nobody listens on: one that somebody did just now. */
  async function closedPort(): Promise<number> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }

  it("is told of while it is tried again, and named with the reason and what to look at", async () => {
    const keys = utils.generateKeyPairSync("ed25519");
    const endpoint = { host: "127.0.0.1", port: await closedPort(), user: "pipeline", hostKey: keys.public };
    const said: string[] = [];
    await assert.rejects(
      HostSession.open({ ...endpoint, privateKey: keys.private }, new AbortController().signal, 2, (line) =>
        said.push(line),
      ),
      failsWith("HOST", /^pipeline@127\.0\.0\.1:\d+ cannot be reached by SSH: after 2 failed attempts: .*ECONNREFUSED/),
    );
    assert.deepEqual(
      said.map((line) => line.replace(/:\d+ /, ":PORT ")),
      [1, 2].map((at) => `no connection to pipeline@127.0.0.1:PORT yet: Dial ${at}/2 failed: retrying`),
    );
  });
});
