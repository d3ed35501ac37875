import assert from "node:assert/strict";
import { resolve } from "node:path";
import { run } from "../../pipeline/process.js";
import { typescript } from "../support/typescript.js";

const root = resolve(__dirname, "../..");

describe("the emergency drill", function () {
  this.timeout(240_000);

  it("goes through both emergencies of the plan, and loses nothing", async () => {
    const drill = [...typescript, "tools/commands/drill.ts", "--users", "20", "--orders", "100"];
    const { exitCode, stdout, stderr } = await run(process.execPath, drill, { cwd: root });
    assert.equal(exitCode, 0, `${stdout}\n${stderr}`);
    assert.match(stdout, /Both emergencies were gone through, and nothing was lost\./);
    assert.equal(stdout.match(/lost: 0$/gm)?.length, 2, stdout);
    assert.doesNotMatch(stdout, /✖/);
  });
});
