import assert from "node:assert/strict";
import { select } from "../../../tools/command-plugin/assets.js";
import { parseHostKey } from "../../../tools/command-plugin/connection.js";
import { check } from "../../../tools/command-plugin/inputs.js";
import { OutputCapture, previousOutput, quote, shows } from "../../../tools/command-plugin/output.js";
import { resources } from "../../../tools/command-plugin/schema.js";
import {
  changes,
  containsUnknown,
  isSecret,
  reveal,
  secret,
  unknown,
  type WireObject,
} from "../../../tools/command-plugin/wire.js";

describe("stand-in for the command plugin: property values", () => {
  it("reveals secrets at any depth", () => {
    assert.deepEqual(reveal({ a: secret({ b: secret("x") }), c: [secret(1)] }), { a: { b: "x" }, c: [1] });
    assert.deepEqual(secret(secret(1)), secret(1));
  });

  it("finds what changed, and where", () => {
    const olds = { triggers: ["a", "b"], environment: { A: "1", "b-c": "2" }, create: "x", gone: 1, version: "1" };
    const news = { triggers: ["a", "c", "d"], environment: { A: "1", "b-c": "3" }, create: "x", new: 1 };
    assert.deepEqual(Object.fromEntries(changes(olds, news)), {
      "triggers[1]": "update",
      "triggers[2]": "add",
      'environment["b-c"]': "update",
      gone: "delete",
      new: "add",
    });
  });

  it("takes an unknown for a change", () => {
    assert.deepEqual([...changes({ a: "x" }, { a: unknown })], [["a", "update"]]);
    assert.equal(containsUnknown({ a: [{ b: unknown }] }), true);
  });
});

describe("stand-in for the command plugin: checked inputs", () => {
  const failures = (type: keyof typeof resources, inputs: WireObject) =>
    check(resources[type], inputs).failures.map(({ property }) => property);

  it("refuses what the schema does not have, or not so", () => {
    assert.deepEqual(
      failures("command:local:Command", { create: 1, foo: "x", logging: "loud", environment: { A: 1 } }),
      ["create", "foo", "logging", "environment"],
    );
    assert.deepEqual(failures("command:remote:Command", { create: "x" }), ["connection"]);
    assert.deepEqual(failures("command:remote:Command", { connection: { prot: 22 } }), [
      "connection.host",
      "connection.prot",
    ]);
    assert.deepEqual(failures("command:local:Command", { create: unknown, triggers: [1, { a: null }] }), []);
  });

  it("fills in and hides what belongs to a connection", () => {
    const { inputs } = check(resources["command:remote:Command"], { connection: { host: "h", password: "p" } });
    assert.ok(isSecret(inputs.connection));
    assert.deepEqual(inputs.connection.value, {
      host: "h",
      user: "root",
      port: 22,
      dialErrorLimit: 10,
      perDialTimeout: 15,
      password: secret("p"),
    });
  });
});

describe("stand-in for the command plugin: output", () => {
  it("shows the streams asked for", () => {
    assert.deepEqual(shows(undefined), { stdout: true, stderr: true });
    assert.deepEqual(shows("none"), { stdout: false, stderr: false });
    assert.deepEqual(shows("stderr"), { stdout: false, stderr: true });
  });

  it("is cut into lines, across chunks and characters", () => {
    const lines: string[] = [];
    const output = new OutputCapture(undefined, (line) => lines.push(line));
    const bytes = Buffer.from("ein Ö\nzwei\n");
    output.stdout(bytes.subarray(0, 5));
    output.stdout(bytes.subarray(5));
    output.stderr(Buffer.from("rest"));
    output.finish();
    assert.deepEqual(lines, ["ein Ö", "zwei", "rest"]);
    assert.deepEqual(output.captured(), { stdout: "ein Ö\nzwei", stderr: "rest" });
    assert.equal(
      output.failure("exit status 2", 'say "a"').message,
      'exit status 2: running "say \\"a\\"":\nein Ö\nzwei\nrest',
    );
  });

  it("quotes as Go does", () => assert.equal(quote('a"\\\n\t\x01ü'), '"a\\"\\\\\\n\\t\\x01ü"'));

  it("hands on what came before, if wanted and not empty", () => {
    assert.deepEqual(previousOutput({ stdout: "a", stderr: "" }, true), { PULUMI_COMMAND_STDOUT: "a" });
    assert.deepEqual(previousOutput({ stdout: "a", stderr: "b" }, false), {});
  });
});

describe("stand-in for the command plugin: globs", () => {
  const paths = ["assets/logos/logo.svg", "src/index.js", "src/deep/x.js", "src/secret.js", "top.txt"];
  it("take rules in order", () =>
    assert.deepEqual(select(paths, ["assets/**", "src/**.js", "!**secret.*"]), paths.slice(0, 3)));
  it("stop one star at a slash", () =>
    assert.deepEqual(select(paths, ["src/*.js"]), ["src/index.js", "src/secret.js"]));
  it("know ?, […] and {…}", () =>
    assert.deepEqual(select(paths, ["{top,bottom}.t?t", "src/[!s]*.js"]), ["src/index.js", "top.txt"]));
});

describe("stand-in for the command plugin: host keys", () => {
  const blob = Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from("ssh-ed25519"), Buffer.from("key")]);
  it("are read as from authorized_keys", () =>
    assert.deepEqual(parseHostKey(`ssh-ed25519 ${blob.toString("base64")} host`), { type: "ssh-ed25519", blob }));
  it("are refused when they are none", () => {
    assert.throws(() => parseHostKey("AAAA"), /failed to parse host key/);
    assert.throws(() => parseHostKey(`ssh-rsa ${blob.toString("base64")}`), /failed to parse host key/);
  });
});
