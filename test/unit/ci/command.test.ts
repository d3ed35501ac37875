import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { run } from "../../../pipeline/process.js";
import { writePart } from "../../../tools/ci/part.js";

const root = resolve(__dirname, "../../..");

/** `npm run ci:comment`, as the workflow runs it. `ci:preview` needs the engine: test/engine/gate.test.ts runs it. */
describe("ci: npm run ci:comment", function () {
  this.timeout(60_000);
  let folder: string;
  const comment = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    run(process.execPath, ["tools/npm.mjs", "ci:comment", "--stacks", "dev,prod", ...args], {
      cwd: root,
      env: { INIT_CWD: folder, GITHUB_TOKEN: "", PULL_REQUEST: "", ...env },
    });

  before(() => (folder = mkdtempSync(join(tmpdir(), "ci-"))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("prints what it would write", async () => {
    writePart(folder, { stack: "dev", exitCode: 0, said: "none", migrations: [], risk: "none" });
    const { exitCode, stdout, stderr } = await comment(["--from", ".", "--print"]);
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /\| `dev` \| ✅ passes \| none \|\n\| `prod` \| ⚠️ could not be made/);
  });

  it("names what is missing of a workflow's variables, and a file that is none of its own", async () => {
    const without = await comment(["--from", "nowhere"]);
    assert.equal(without.exitCode, 2);
    assert.match(without.stderr, /Not set, or not as GitHub Actions sets it: .*GITHUB_TOKEN, PULL_REQUEST/);
    writeFileSync(join(folder, "prod.json"), "{}");
    const odd = await comment(["--from", ".", "--print"]);
    assert.equal(odd.exitCode, 2);
    assert.match(odd.stderr, /prod\.json is not what npm run ci:preview writes/);
  });
});
