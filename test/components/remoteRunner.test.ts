import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { hostReady } from "../../components/hostReady.js";
import { RemoteRunner } from "../../components/remoteRunner.js";
import type { Declared } from "./mocks.js";
import { valueOf } from "./mocks.js";

const connection = {
  host: "203.0.113.7",
  hostKey: "ssh-ed25519 AAAAhost",
  privateKey: "of the test",
  proxy: { host: "203.0.113.8", user: "jump", hostKey: "ssh-ed25519 AAAAjump", privateKey: "of the bastion" },
};
const hash = "0f".repeat(32);

/** Proves what is declared; that it works is proved by test/hosts. */
describe("RemoteRunner", () => {
  let declared: Declared[];

  const make = async () => {
    declared = [];
    await pulumi.runtime.setMocks(
      {
        newResource({ type, name, inputs }) {
          const given = inputs as Record<string, unknown>;
          declared.push({ type, name, inputs: given });
          const state = type === "command:remote:Command" ? { ...given, stdout: '{"answer":1}' } : given;
          return { id: `${name}-id`, state };
        },
        call({ token }) {
          throw new Error(`unexpected call: ${token}`);
        },
      },
      "safe-migration",
      "staging",
      false,
    );
    const ready = hostReady("ready", { connection, instance: "i-1", timeoutSeconds: 900 });
    const bundle = { folder: "/build/host", hash, bytes: 5_000_000 };
    const runner = new RemoteRunner("runner", { connection, instance: "i-1", bundle, ready: ready.stdout });
    const request = pulumi.output({ run: "run-1", odd: "'; reboot; $(x)" });
    return valueOf(runner.stage("backup", { stage: "backup", request }, {}));
  };
  const inputs = (name: string) => declared.find((one) => one.name === name)?.inputs ?? assert.fail(name);
  interface Endpoint {
    hostKey: string;
    user: string;
    dialErrorLimit: number;
  }
  /** The connection is a secret as a whole; what is in it is looked at here. */
  const connectionOf = (name: string) =>
    (inputs(name)["connection"] as { value: Endpoint & { proxy: Endpoint } }).value;

  it("waits for the host, looks for room, copies, checks, and only then runs a stage", async () => {
    assert.deepEqual(await make(), { answer: 1 });
    assert.deepEqual(
      declared.filter(({ type }) => type.startsWith("command:")).map(({ name }) => name),
      ["ready", "runner-room", "runner-copy", "runner-install", "backup"],
    );
  });

  it("knows host and bastion by their keys, in everything that connects", async () => {
    await make();
    const commands = declared.filter(({ type }) => type.startsWith("command:"));
    assert.equal(commands.length, 5);
    for (const one of commands.map(({ name }) => connectionOf(name))) {
      assert.deepEqual([one.hostKey, one.user], [connection.hostKey, "pipeline"]);
      assert.deepEqual([one.proxy.hostKey, one.proxy.user], [connection.proxy.hostKey, "jump"]);
    }
  });

  it("puts a request on standard input, and nothing of it into the command, the environment or triggers", async () => {
    await make();
    const stage = inputs("backup");
    assert.equal(
      stage["create"],
      "exec env TMPDIR=/var/lib/safe-migration/work node /var/lib/safe-migration/bundles/current/pipeline.cjs --log-format text backup",
    );
    assert.deepEqual(JSON.parse(stage["stdin"] as string), { run: "run-1", odd: "'; reboot; $(x)" });
    for (const key of ["environment", "triggers", "update", "delete"]) assert.equal(stage[key], undefined);
    assert.deepEqual([stage["logging"], stage["addPreviousOutputInEnv"]], ["stderr", false]);
  });

  it("waits for another machine anew, and gives it the bundle again", async () => {
    await make();
    assert.deepEqual(inputs("ready")["triggers"], ["i-1"]);
    assert.deepEqual(inputs("runner-copy")["triggers"], ["i-1", hash]);
    assert.equal(inputs("runner-copy")["remotePath"], `/var/lib/safe-migration/bundles/${hash}`);
  });

  it("tries to reach a machine that boots for as long as it may take, and another one for seconds", async () => {
    await make();
    const limit = (name: string) => connectionOf(name).dialErrorLimit;
    // 13 s of shorter pauses in the first nine, then 5 s each.
    assert.equal(limit("ready"), 9 + 178);
    assert.equal(limit("backup"), 10);
  });
});
