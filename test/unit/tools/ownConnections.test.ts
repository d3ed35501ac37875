import assert from "node:assert/strict";
import { createServer, type AddressInfo } from "node:net";
import * as grpc from "@grpc/grpc-js";
import { EngineClient, EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest } from "@pulumi/pulumi/proto/engine_pb";
import * as pulumi from "@pulumi/pulumi";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import "../../support/ownConnections.js";

const credentials = grpc.credentials.createInsecure();

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const log = (client: EngineClient) =>
  new Promise<string>((resolve) => client.log(new LogRequest(), (error) => resolve(error?.message ?? "heard")));

describe("clients of engines in one process", () => {
  it("reach an engine that has the port of one that has ended", async () => {
    const port = await freePort();
    const late = new EngineClient(`127.0.0.1:${port}`, credentials);
    assert.match(await log(late), /ECONNREFUSED/);
    const server = new grpc.Server();
    server.addService(EngineService, {
      log: (_call: unknown, answer: grpc.sendUnaryData<Empty>) => answer(null, new Empty()),
    });
    await new Promise<void>((resolve, reject) =>
      server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error) =>
        error ? reject(error) : resolve(),
      ),
    );
    try {
      // As two clients of one process are without the mend.
      const shared = new EngineClient(`127.0.0.1:${port}`, credentials);
      assert.match(await log(shared), /No connection established\. Last error: null/);
      shared.close();
      pulumi.runtime.resetOptions("project", "stack", 1, `127.0.0.1:${port}`, "", false, "");
      const own = pulumi.runtime.getEngine();
      assert.ok(own instanceof EngineClient);
      assert.equal(await log(own), "heard");
    } finally {
      pulumi.runtime.disconnectSync();
      pulumi.runtime.resetOptions("", "", -1, "", "", false, "");
      late.close();
      server.forceShutdown();
    }
  });
});
