import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { CommanderError } from "commander";
import { PipelineError, exitCodes } from "../../../pipeline/errors.js";
import { run } from "../../../pipeline/process.js";
import { parseFlags } from "../../../tools/prisma/arguments.js";
import { UsageError, parse } from "../../../tools/stack/arguments.js";
import { typescript } from "../../support/typescript.js";

const root = resolve(__dirname, "../../..");

/** On a stack that is not there, which is complained of as soon as anything is looked at. */
const ts = (file: string, ...args: string[]) =>
  run(process.execPath, [...typescript, join(root, file), ...args, "--stack", "nowhere"]);

describe("a command's flags", function () {
  this.timeout(120_000);

  it("are refused before anything is looked at", async () => {
    const commands = [
      ["tools/commands/prisma.ts", "create", "--name", "x"],
      ["tools/commands/db.ts", "deploy"],
      ["tools/commands/logs.ts"],
    ] as const;
    for (const { exitCode, stderr } of await Promise.all(
      commands.map(([file, ...args]) => ts(file, ...args, "--nope")),
    )) {
      assert.equal(exitCode, exitCodes.usage, stderr);
      assert.match(stderr, /unknown option '--nope'[^]*Nothing was touched/);
      assert.doesNotMatch(stderr, /nowhere/);
    }
  });

  it("are refused for their values as well", async () => {
    const wrong = [
      [["tools/commands/db.ts", "checkpoint", "--name", "a/b"], /checkpoint: the request is wrong[^]*name/],
      [["tools/commands/approve.ts"], /No migration was named/],
    ] as const;
    for (const [[file, ...args], message] of wrong) {
      const { exitCode, stderr } = await ts(file, ...args);
      assert.equal(exitCode, exitCodes.usage, stderr);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /Pulumi\.nowhere\.yaml/);
    }
  });

  it("of Prisma's commands belong together", () => {
    const refused = (message: RegExp) => (error: unknown) =>
      error instanceof PipelineError && error.kind === "usage" && message.test(error.message);
    assert.throws(() => parseFlags("create", []), refused(/A migration needs a name/));
    assert.throws(() => parseFlags("create", ["--name", "¿?"]), refused(/A migration needs a name/));
    assert.throws(() => parseFlags("resolve", ["--applied", "a", "--rolled-back", "b"]), refused(/Say what you found/));
  });

  it("say the environment by either word", () => {
    for (const word of ["--stack", "--environment"]) {
      assert.equal(parseFlags("status", [word, "shop"]).stack, "shop");
      assert.equal(parse(["up", word, "shop"], undefined).stack, "shop");
    }
  });

  it("have a help that ends with the exit codes", () => {
    const printed: string[] = [];
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = (chunk: string | Uint8Array) => printed.push(chunk.toString()) > 0;
    try {
      const helps = [() => parseFlags("create", ["--help"]), () => parse(["destroy", "--help"], undefined)];
      for (const help of helps) assert.throws(help, (error) => error instanceof CommanderError && error.exitCode === 0);
    } finally {
      process.stdout.write = write;
    }
    const [, create = "", destroy = ""] = printed.join("").split(/^Usage: /m);
    assert.match(create, /^npm run prisma:migrate:create --[^]*--name <name>[^]*Exit codes:[^]*\n +3 {2}refused/);
    assert.match(destroy, /^npm run destroy --[^]*--yes <stack>[^]*Exit codes:[^]*\n +1 .*the operation failed/);
    assert.throws(() => parse(["up", "--now", " "], undefined), UsageError);
  });
});
