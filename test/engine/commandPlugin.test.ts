import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, type OutputMap, type PulumiFn, type Stack, type UpResult } from "@pulumi/pulumi/automation";
import "../support/ownConnections.js";

/**
 * What the project relies on of the `command` plugin, through the real engine. It passes with the stand-in and with the real
 * plugin alike: which of the two runs is decided by PULUMI_HOME.
 */
describe("the command plugin, through the engine", function () {
  this.timeout(120_000);
  let folder: string;
  let stack: Stack;
  let output: string[];

  const program = (main: PulumiFn) => main;
  const onOutput = (chunk: string) => void output.push(chunk);
  const up = async (main: PulumiFn): Promise<UpResult> => {
    output = [];
    return stack.up({ program: program(main), onOutput, color: "never" });
  };
  const failure = async (main: PulumiFn): Promise<string> => {
    await assert.rejects(up(main));
    return output.join("");
  };
  const file = (name: string) => join(folder, name);
  const read = (name: string) => readFileSync(file(name), "utf8");
  const plain = (outputs: OutputMap) =>
    Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value as unknown]));

  before(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "command-plugin-")));
    const workDir = file("work");
    mkdirSync(workDir);
    mkdirSync(file("state"));
    stack = await LocalWorkspace.createOrSelectStack(
      { stackName: "test", projectName: "command-plugin", program: () => Promise.resolve({}) },
      {
        workDir,
        envVars: {
          PULUMI_BACKEND_URL: `file://${file("state")}`,
          PULUMI_CONFIG_PASSPHRASE: "of the test",
          PULUMI_CONFIG_PASSPHRASE_FILE: "",
        },
      },
    );
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  afterEach(async () => {
    await stack.destroy({ onOutput: () => undefined });
  });

  it("creates: with standard input, environment and folder, and gives back what was printed", async () => {
    const result = await up(() => {
      const local = new command.local.Command("a", {
        create: 'cat; echo "$GREETING from $PWD"; echo aside >&2',
        stdin: "in\n",
        environment: { GREETING: "hello" },
        dir: folder,
      });
      const spoken = new command.local.Command("b", {
        create: "[1,2].map(n=>console.log(n))",
        interpreter: ["node", "-e"],
      });
      const idle = new command.local.Command("c", { delete: "true" });
      return Promise.resolve({
        out: local.stdout,
        err: local.stderr,
        spoken: spoken.stdout,
        idle: idle.stdout,
        id: local.id,
      });
    });
    const { id, ...outputs } = plain(result.outputs);
    assert.deepEqual(outputs, { out: `in\nhello from ${folder}`, err: "aside", spoken: "1\n2", idle: "" });
    assert.match(String(id), /^a[0-9a-f]{8}$/);
  });

  it("shows what is printed at the resource while it runs, unless told not to", async () => {
    const seen = new Map<string, number>();
    output = [];
    await stack.up({
      program: () => {
        new command.local.Command("loud", { create: "echo early; sleep 2; echo late >&2" });
        new command.local.Command("half", { create: "echo hidden-out; echo shown-err >&2", logging: "stderr" });
        new command.local.Command("mute", { create: "echo hidden-all; echo hidden-too >&2", logging: "none" });
        return Promise.resolve({});
      },
      onOutput: (chunk) => {
        output.push(chunk);
        for (const word of ["early", "late"]) if (chunk.includes(word) && !seen.has(word)) seen.set(word, Date.now());
      },
      color: "never",
    });
    assert.ok((seen.get("late") ?? 0) - (seen.get("early") ?? 0) > 1_000, "the first line came when the second did");
    assert.match(output.join(""), /command:local:Command half creating .*shown-err/);
    assert.doesNotMatch(output.join(""), /hidden/);
  });

  it("updates when an input changes: `update` if there is one, else `create`, with what was printed before", async () => {
    const main = (stdin: string) => () => {
      const log = `>> ${file("log")}`;
      const both = new command.local.Command("both", {
        create: `echo created; echo both-create ${log}`,
        update: `cat; echo "was $PULUMI_COMMAND_STDOUT"; echo both-update ${log}`,
        stdin,
      });
      const one = new command.local.Command("one", { create: `cat; echo "was $PULUMI_COMMAND_STDOUT"`, stdin });
      const shy = new command.local.Command("shy", {
        create: `cat; echo "was $PULUMI_COMMAND_STDOUT"`,
        stdin,
        addPreviousOutputInEnv: false,
      });
      return Promise.resolve({ both: both.stdout, one: one.stdout, shy: shy.stdout });
    };
    assert.deepEqual(plain((await up(main("1\n"))).outputs), { both: "created", one: "1\nwas ", shy: "1\nwas " });
    const second = await up(main("2\n"));
    assert.deepEqual(plain(second.outputs), { both: "2\nwas created", one: "2\nwas 1\nwas ", shy: "2\nwas " });
    assert.deepEqual(second.summary.resourceChanges, { update: 3, same: 1 });
    assert.equal(read("log"), "both-create\nboth-update\n");
    const third = await up(main("2\n"));
    assert.deepEqual(third.summary.resourceChanges, { same: 4 });
  });

  it("replaces when a trigger changes: the new one is created, then the old one's `delete` runs", async () => {
    const main = (trigger: unknown, note: string) => () => {
      new command.local.Command("r", {
        create: `echo create-${note} >> ${file("replace")}`,
        update: `echo update >> ${file("replace")}`,
        delete: `echo delete-${note} >> ${file("replace")}`,
        triggers: ["same", trigger],
      });
      return Promise.resolve({});
    };
    await up(main("a", "1"));
    const result = await up(main("b", "2"));
    assert.equal(result.summary.resourceChanges?.replace, 1);
    await up(main(undefined, "3"));
    assert.equal(read("replace"), "create-1\ncreate-2\ndelete-1\ncreate-3\ndelete-2\n");
    await stack.destroy({ onOutput: () => undefined });
    assert.match(read("replace"), /delete-3\n$/);
  });

  it("fails with exit status, command and all that was printed; what was done before stays", async () => {
    const printed = await failure(() => {
      const first = new command.local.Command("first", { create: "echo fine" });
      new command.local.Command("second", { create: 'echo one; echo "two" >&2; exit 3' }, { dependsOn: first });
      return Promise.resolve({});
    });
    assert.ok(
      printed.includes('error: exit status 3: running "echo one; echo \\"two\\" >&2; exit 3":\n    one\n    two\n'),
      printed,
    );
    const state = await stack.exportStack();
    const names = (state.deployment as { resources: { urn: string }[] }).resources.map(({ urn }) =>
      urn.split("::").pop(),
    );
    assert.ok(names.includes("first") && !names.includes("second"), names.join(", "));
  });

  it("says so when a command cannot be started at all", async () => {
    // One in each update: the engine begins nothing more once one has failed.
    const refused = (args: command.local.CommandArgs) =>
      failure(() => {
        new command.local.Command("one", args);
        return Promise.resolve({});
      });
    const nowhere = await refused({ create: "true", dir: file("missing") });
    assert.ok(nowhere.includes(`chdir ${file("missing")}: no such file or directory: running "true":`), nowhere);
    const nothing = await refused({ create: "true", interpreter: ["no-such-program"] });
    assert.ok(
      nothing.includes('exec: "no-such-program": executable file not found in $PATH: running "true":'),
      nothing,
    );
  });

  it("runs nothing in a preview, and takes outputs as unknown where an input changes", async () => {
    const applied: string[] = [];
    const main = (text: string) => () => {
      const changing = new command.local.Command("p", { create: `echo ${text} >> ${file("preview")}; echo out` });
      const steady = new command.local.Command("s", { create: "echo steady" });
      changing.stdout.apply((value) => void applied.push(`p=${value}`));
      steady.stdout.apply((value) => void applied.push(`s=${value}`));
      changing.create.apply((value) => void applied.push(`create=${String(value).slice(0, 6)}`));
      return Promise.resolve({});
    };
    await stack.preview({ program: main("x"), onOutput: () => undefined });
    assert.deepEqual(applied.splice(0), ["create=echo x"]);
    assert.equal(existsSync(file("preview")), false);
    await up(main("x"));
    applied.length = 0;
    await stack.preview({ program: main("y"), onOutput: () => undefined });
    assert.deepEqual(applied.sort(), ["create=echo y", "s=steady"]);
    assert.equal(read("preview"), "x\n");
  });

  it("keeps secret inputs secret in the state, and gives them to the command in clear", async () => {
    await up(() => {
      const a = new command.local.Command("hush", {
        create: 'test "${#WORD}" = 11 && wc -c',
        environment: { WORD: pulumi.secret("pass-word-1") },
        stdin: pulumi.secret("pass-word-2"),
      });
      return Promise.resolve({ out: a.stdout });
    });
    const outputs = await stack.outputs();
    assert.equal(String(outputs.out?.value).trim(), "11");
    assert.equal(outputs.out?.secret, false);
    const state = read("state/.pulumi/stacks/command-plugin/test.json");
    assert.match(state, /command:local:Command::hush/);
    assert.doesNotMatch(state, /pass-word/);
  });

  it("refuses inputs that the schema does not have", async () => {
    const printed = await failure(() => {
      new command.local.Command("odd", { create: 7 as unknown as string });
      return Promise.resolve({});
    });
    assert.match(printed, /create/);
    assert.equal(existsSync(file("odd")), false);
  });

  it("collects assets and an archive, and runs local.run", async () => {
    mkdirSync(file("built/deep"), { recursive: true });
    writeFileSync(file("built/a.txt"), "a");
    writeFileSync(file("built/deep/b.txt"), "b");
    writeFileSync(file("built/secret.txt"), "c");
    const result = await up(async () => {
      const globs = ["**.txt", "!**secret*"];
      const built = new command.local.Command("assets", {
        create: "true",
        dir: file("built"),
        assetPaths: globs,
        archivePaths: globs,
      });
      const ran = await command.local.run({ command: "cat", stdin: "now" });
      return {
        assets: built.assets.apply((assets) => Object.keys(assets ?? {}).sort()),
        archive: built.archive.apply(async (archive) => {
          const assets = await (archive as pulumi.asset.AssetArchive).assets;
          return Object.keys(assets).sort();
        }),
        ran: ran.stdout,
      };
    });
    const paths = ["a.txt", "deep/b.txt"];
    assert.deepEqual(plain(result.outputs), { assets: paths, archive: paths, ran: "now" });
  });

  it("stops a command that takes longer than its custom time-out", async () => {
    const start = Date.now();
    const printed = await failure(() => {
      new command.local.Command("slow", { create: "echo begun; exec sleep 60" }, { customTimeouts: { create: "2s" } });
      return Promise.resolve({});
    });
    assert.match(printed, /error: signal: killed: running "echo begun; exec sleep 60":\n\s+begun\n/);
    assert.ok(Date.now() - start < 30_000);
  });

  it("kills the command when the update is cancelled, and gives the lock back", async () => {
    const controller = new AbortController();
    output = [];
    const running = stack.up({
      program: () => {
        new command.local.Command("endless", { create: "echo begun; exec sleep 61" });
        return Promise.resolve({});
      },
      onOutput: (chunk) => {
        output.push(chunk);
        if (chunk.includes("begun")) controller.abort();
      },
      signal: controller.signal,
      color: "never",
    });
    await assert.rejects(running);
    assert.match(output.join(""), /signal: killed|canceled|cancelled/);
    await up(() => Promise.resolve({}));
  });
});
