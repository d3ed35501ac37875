import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StackFileError, readStackFile } from "../../../tools/stack/stackFile.js";

describe("stack: its file of settings", () => {
  let folder: string;
  let path: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "stack-file-"));
    path = join(folder, "Pulumi.local.yaml");
  });
  after(() => rmSync(folder, { recursive: true }));

  it("is empty where there is none, and where it is empty", () => {
    assert.deepEqual(readStackFile(join(folder, "none.yaml")), {});
    writeFileSync(path, "");
    assert.deepEqual(readStackFile(path), {});
  });

  it("keeps what it says", () => {
    writeFileSync(path, "encryptionsalt: x\nconfig:\n  a:b: { c: 1 }\n");
    assert.deepEqual(readStackFile(path), { encryptionsalt: "x", config: { "a:b": { c: 1 } } });
  });

  for (const [what, text, message] of [
    ["text that is no YAML, with its line", "config:\n  - a: [\n", /not YAML: .* at line 3/],
    ["a list where settings belong", "config: [1]\n", /not a stack's settings:[^]*at config/],
  ] as const)
    it(`refuses ${what}`, () => {
      writeFileSync(path, text);
      assert.throws(
        () => readStackFile(path),
        (error: unknown) => error instanceof StackFileError && message.test(error.message),
      );
    });
});
