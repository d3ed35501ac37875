import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";

/** Asserts that shellcheck finds nothing in a script; skips the test, saying so, where shellcheck is not installed. */
export function assertShellClean(test: Mocha.Context, script: string): void {
  const { status, stdout, error } = spawnSync("shellcheck", ["--shell=bash", "-"], { input: script, encoding: "utf8" });
  if (error !== undefined && "code" in error && error.code === "ENOENT") {
    process.stderr.write("      shellcheck is not installed (Debian: apt-get install shellcheck)\n");
    test.skip();
  }
  assert.equal(status, 0, stdout);
}
