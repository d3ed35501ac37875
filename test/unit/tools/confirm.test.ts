import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { PipelineError, exitCodes } from "../../../pipeline/errors.js";
import { run } from "../../../pipeline/process.js";
import { byHand } from "../../../tools/commands/byHand.js";
import { type Terminal, confirm, destroyedBy } from "../../../tools/commands/confirm.js";
import { typescript } from "../../support/typescript.js";

const typing = (answer: string): Terminal & { asked: string[] } => {
  const asked: string[] = [];
  return { present: true, asked, ask: (question) => (asked.push(question), Promise.resolve(answer)) };
};
const nobody: Terminal = { present: false, ask: () => assert.fail("asked where nobody is") };
const refused = (error: unknown) =>
  error instanceof PipelineError && error.code === "NOT_CONFIRMED" && error.kind === "refused";
const restore = { stage: "restore" };

describe("confirmation of what destroys", () => {
  it("is asked on prod, and on an environment that is not known, by its name", async () => {
    for (const environment of ["prod", "customer-7"]) {
      const terminal = typing(` ${environment} `);
      await confirm(environment, restore, undefined, terminal);
      assert.match(
        terminal.asked[0] ?? "",
        new RegExp(`restore on ${environment}\\..*Type ${environment} to go on`, "s"),
      );
      for (const answer of ["", "y", "yes", "prodd", "staging"])
        await assert.rejects(confirm(environment, restore, undefined, typing(answer)), refused);
    }
  });

  it("is given with the command where nobody can be asked, and refused without it", async () => {
    await confirm("prod", restore, "prod", nobody);
    await assert.rejects(confirm("prod", restore, undefined, nobody), refused);
    await assert.rejects(confirm("prod", restore, "staging", typing("prod")), refused);
  });

  it("is not asked elsewhere, nor for what destroys nothing", async () => {
    for (const environment of ["local", "dev", "staging"]) await confirm(environment, restore, undefined, nobody);
    for (const stage of ["backup", "backups", "verify", "status", "preflight", "verdict"])
      await confirm("prod", { stage }, undefined, nobody);
    await confirm("prod", { stage: "restore", more: { into: "beside" } }, undefined, nobody);
    await confirm("prod", { stage: "checkpoint", more: { name: "x" } }, undefined, nobody);
    await confirm("prod", { stage: "repair" }, undefined, nobody);
  });

  it("knows what each command asks for", () => {
    const flags = { environment: "prod" };
    const destroying = ["restore", "restore:checkpoint", "rollback"];
    for (const name of destroying)
      assert.notEqual(destroyedBy(byHand[name]?.ask(flags) ?? { stage: "" }), undefined, name);
    assert.notEqual(destroyedBy(byHand["checkpoint"]?.ask({ ...flags, remove: "x" }) ?? { stage: "" }), undefined);
    assert.equal(destroyedBy(byHand["restore"]?.ask({ ...flags, list: true }) ?? { stage: "" }), undefined);
  });
});

describe("npm run db", () => {
  const db = (...args: string[]) =>
    run(process.execPath, [...typescript, join(resolve(__dirname, "../../.."), "tools/commands/db.ts"), ...args]);

  it("explains itself and each command, with the exit codes", async () => {
    const { exitCode, stdout } = await db("--help");
    assert.equal(exitCode, 0);
    for (const name of [...Object.keys(byHand), "deploy"]) assert.ok(stdout.includes(`  ${name} `), name);
    const one = await db("restore", "--help");
    assert.equal(one.exitCode, 0);
    for (const code of Object.values(exitCodes)) assert.match(one.stdout, new RegExp(`^ +${code}  `, "m"));
    assert.match(one.stdout, /--log-level <level> [^]*?"debug", "info"/);
  });

  it("ends with the code for a wrong request on a flag or a command that is not known", async () => {
    for (const args of [["restore", "--bakcup", "x"], ["restor"]]) {
      const { exitCode, stderr } = await db(...args);
      assert.equal(exitCode, exitCodes.usage, stderr);
      assert.match(stderr, /error: /);
    }
  });
});
