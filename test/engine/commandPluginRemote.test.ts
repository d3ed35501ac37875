import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, type PulumiFn, type Stack } from "@pulumi/pulumi/automation";
import { SshHost } from "../support/sshHost.js";
import "../support/ownConnections.js";

/** `remote.Command` and `CopyToRemote` through the real engine, against an SSH server in this process. */
describe("the command plugin on another host, through the engine", function () {
  this.timeout(120_000);
  let folder: string;
  let host: SshHost;
  let stack: Stack;
  let output: string[];

  const file = (name: string) => join(folder, name);
  const up = (program: PulumiFn) => {
    output = [];
    return stack.up({ program, onOutput: (chunk) => void output.push(chunk), color: "never" });
  };
  const failure = async (program: PulumiFn) => {
    await assert.rejects(up(program));
    return output.join("");
  };
  const connection = () => ({
    host: "127.0.0.1",
    port: host.port,
    user: "ana",
    password: "of the test",
    hostKey: host.hostKey,
  });

  before(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "command-plugin-remote-")));
    for (const name of ["work", "state"]) mkdirSync(file(name));
    host = await SshHost.start({ user: "ana", password: "of the test", acceptEnv: /^APP_/ });
    stack = await LocalWorkspace.createOrSelectStack(
      { stackName: "test", projectName: "command-plugin", program: () => Promise.resolve({}) },
      {
        workDir: file("work"),
        envVars: {
          PULUMI_BACKEND_URL: `file://${file("state")}`,
          PULUMI_CONFIG_PASSPHRASE: "of the test",
          PULUMI_CONFIG_PASSPHRASE_FILE: "",
          SSH_AUTH_SOCK: "",
        },
      },
    );
  });

  after(async () => {
    await host.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  afterEach(async () => {
    await stack.destroy({ onOutput: () => undefined });
  });

  it("runs with standard input and accepted variables, and shows what is printed", async () => {
    const { outputs } = await up(() => {
      const ran = new command.remote.Command("ran", {
        connection: connection(),
        create: 'cat; echo "$APP_NAME"; echo aside >&2',
        stdin: "in\n",
        environment: { APP_NAME: "shop" },
      });
      return Promise.resolve({ out: ran.stdout, err: ran.stderr });
    });
    assert.deepEqual([outputs.out?.value, outputs.err?.value], ["in\nshop", "aside"]);
    assert.match(output.join(""), /command:remote:Command ran creating .*shop/);
    const state = readFileSync(file("state/.pulumi/stacks/command-plugin/test.json"), "utf8");
    assert.doesNotMatch(state, /of the test/);
  });

  it("fails with the status, command and all that was printed", async () => {
    const printed = await failure(() => {
      new command.remote.Command("bad", { connection: connection(), create: "echo one; echo two >&2; exit 5" });
      return Promise.resolve({});
    });
    assert.match(
      printed,
      /error: Process exited with status 5: running "echo one; echo two >&2; exit 5":\n\s+(one\n\s+two|two\n\s+one)\n/,
    );
  });

  it("runs nothing if a variable is not accepted; what came before is handed on if it can be", async () => {
    const before = host.commands.length;
    const printed = await failure(() => {
      new command.remote.Command("env", { connection: connection(), create: "echo ran", environment: { OTHER: "x" } });
      return Promise.resolve({});
    });
    assert.match(printed, /could not set environment variable "OTHER"/);
    assert.equal(host.commands.length, before);
    const main = (stdin: string) => () => {
      const again = new command.remote.Command("again", { connection: connection(), create: "cat", stdin });
      return Promise.resolve({ out: again.stdout });
    };
    await up(main("1"));
    const { outputs } = await up(main("2"));
    assert.equal(outputs.out?.value, "2");
    assert.match(output.join(""), /warning: Unable to set 'PULUMI_COMMAND_STDOUT'/);
  });

  it("refuses another host's key, a wrong password and a key that is none", async () => {
    const refusal = (settings: Record<string, unknown>) =>
      failure(() => {
        const once = { ...connection(), dialErrorLimit: 1, perDialTimeout: 5, ...settings };
        new command.remote.Command("refused", { connection: once, create: "echo never" });
        return Promise.resolve({});
      });
    assert.match(await refusal({ hostKey: SshHost.otherKey() }), /after 1 failed attempts: .*host key mismatch/);
    assert.match(await refusal({ password: "no" }), /after 1 failed attempts: .*unable to authenticate/);
    assert.match(await refusal({ hostKey: "none" }), /failed to parse host key/);
    assert.ok(!host.commands.includes("echo never"));
  });

  it("waits for a host that is still starting, as long as it is told to", async () => {
    const late = await SshHost.start({ user: "ana", password: "of the test", acceptEnv: /^$/ });
    await late.stop();
    const timer = setTimeout(() => void late.listen(), 3_000);
    const { outputs } = await up(() => {
      const patient = { ...connection(), port: late.port, hostKey: late.hostKey, dialErrorLimit: -1 };
      const ran = new command.remote.Command("patient", { connection: patient, create: "echo there" });
      return Promise.resolve({ out: ran.stdout });
    });
    clearTimeout(timer);
    await late.stop();
    assert.equal(outputs.out?.value, "there");
    assert.match(output.join(""), /Dial \d+\/inf failed: retrying/);
  });

  it("goes through a proxy", async () => {
    const { outputs } = await up(() => {
      const proxy = connection();
      const ran = new command.remote.Command("far", { connection: { ...connection(), proxy }, create: "echo far" });
      return Promise.resolve({ out: ran.stdout });
    });
    assert.equal(outputs.out?.value, "far");
    assert.ok(host.forwards > 0);
  });

  it("copies a file, a text and a folder, and copies again when the content changed", async () => {
    const [source, target] = [file("source"), file("target")];
    mkdirSync(join(source, "deep"), { recursive: true });
    writeFileSync(join(source, "a.txt"), "a");
    writeFileSync(join(source, "deep", "b.bin"), Buffer.alloc(300_000, 7));
    const main = (text: string) => () => {
      const copy = (name: string, what: pulumi.asset.Asset | pulumi.asset.Archive, remotePath: string) =>
        new command.remote.CopyToRemote(name, { connection: connection(), source: what, remotePath });
      copy("file", new pulumi.asset.FileAsset(join(source, "a.txt")), join(target, "new", "renamed.txt"));
      copy("text", new pulumi.asset.StringAsset(text), join(target, "text.txt"));
      copy("folder", new pulumi.asset.FileArchive(source), join(target, "whole"));
      copy("content", new pulumi.asset.FileArchive(`${source}/`), join(target, "content"));
      return Promise.resolve({});
    };
    await up(main("one"));
    assert.equal(readFileSync(join(target, "new", "renamed.txt"), "utf8"), "a");
    assert.equal(readFileSync(join(target, "text.txt"), "utf8"), "one");
    assert.equal(readFileSync(join(target, "whole", "source", "deep", "b.bin")).length, 300_000);
    assert.equal(readFileSync(join(target, "content", "a.txt"), "utf8"), "a");
    const { summary } = await up(main("two"));
    assert.equal(readFileSync(join(target, "text.txt"), "utf8"), "two");
    assert.equal(summary.resourceChanges?.update, 1);
  });
});
