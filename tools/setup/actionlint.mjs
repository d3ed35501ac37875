import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { which } from "./find.mjs";
import { withLock } from "./lock.mjs";
import { cacheRoot, root } from "./places.mjs";
import { run, tail } from "./run.mjs";
import { step } from "./say.mjs";

/** As in tools/actionlint/go.mod. */
const version = "1.7.12";

/**
 * The linter of the workflows: built once from the Go module proxy (tools/actionlint fixes each module by its checksum) and kept in the
 * cache. What npm has under its name is years older than what GitHub Actions knows now.
 *
 * @returns {Promise<{ path: string } | { missing: string }>} why it cannot be had
 */
export async function provideActionlint() {
  const path = join(cacheRoot(), `actionlint-${version}`, "actionlint");
  if (existsSync(path)) return { path };
  const go = which("go");
  if (go === undefined) return { missing: "actionlint is built with Go, which is not installed" };
  return withLock(join(cacheRoot(), "actionlint.lock"), "actionlint", async () => {
    if (existsSync(path)) return { path };
    const temporary = `${path}.${process.pid}`;
    mkdirSync(dirname(path), { recursive: true });
    const args = ["build", "-trimpath", "-o", temporary, "github.com/rhysd/actionlint/cmd/actionlint"];
    const env = { ...process.env, GOFLAGS: "-mod=readonly -buildvcs=false", GOWORK: "off", CGO_ENABLED: "0" };
    try {
      const { code, output } = await step(`building actionlint ${version} with Go (once)`, () =>
        run(go, args, { cwd: join(root, "tools", "actionlint"), env }),
      );
      if (code !== 0) return { missing: `go build of actionlint failed with exit code ${code}:\n${tail(output)}` };
      renameSync(temporary, path);
    } finally {
      rmSync(temporary, { force: true });
    }
    return { path };
  });
}
