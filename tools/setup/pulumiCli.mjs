import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { which } from "./find.mjs";
import { withLock } from "./lock.mjs";
import { pulumiIsReachable } from "./network.mjs";
import { cacheRoot, root } from "./places.mjs";
import { run, tail } from "./run.mjs";
import { SetupError, say, step } from "./say.mjs";
import { compareVersions, isUsablePulumi, parseVersion, pulumiVersion } from "./version.mjs";

/** Where the CLI is kept; the layout is that of Pulumi's own installer. */
function cached() {
  return join(cacheRoot(), `pulumi-${pulumiVersion}`, "bin", "pulumi");
}

/**
 * Where to take the CLI from, best first; what fails falls through to the next.
 *
 * @param {{ onPath?: string, isCached: boolean, isReachable: boolean, go?: string }} world versions found, or nothing
 * @returns {("path" | "cache" | "installer" | "build")[]}
 */
export function cliSources({ onPath, isCached, isReachable, go }) {
  if (onPath && isUsablePulumi(onPath)) return ["path"];
  if (isCached) return ["cache"];
  const sources = [];
  if (isReachable) sources.push("installer");
  // From 1.21 on, Go fetches the newer toolchain that go.mod asks for by itself.
  if (go && compareVersions(go, "1.21.0") >= 0) sources.push("build");
  return sources;
}

async function versionOf(program, args = ["version"]) {
  if (!program) return undefined;
  const { code, output } = await run(program, args, { env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" } });
  return code === 0 ? parseVersion(output)?.join(".") : undefined;
}

/** Finds or installs the CLI. @returns {Promise<{ path: string, own: boolean }>} `own` if it is not the user's */
export async function providePulumi() {
  const onPath = which("pulumi");
  const version = await versionOf(onPath);
  if (onPath && isUsablePulumi(version ?? "")) return { path: onPath, own: false };
  if (onPath)
    say(`${onPath} is version ${version ?? "unknown"}; ${pulumiVersion} or newer is needed, so another one is used`);
  return withLock(join(cacheRoot(), "pulumi.lock"), "the Pulumi CLI", async () => {
    const path = cached();
    if ((await versionOf(existsSync(path) ? path : undefined)) === pulumiVersion) return { path, own: true };
    const isReachable = await pulumiIsReachable();
    const go = which("go");
    const sources = cliSources({ isCached: false, isReachable, go: await versionOf(go) });
    const failures = [];
    for (const source of sources) {
      try {
        await (source === "installer" ? download(path) : build(path, go));
        return { path, own: true };
      } catch (error) {
        say(error.message);
        failures.push(source);
      }
    }
    throw new SetupError(noWay({ isReachable, go, failures }));
  });
}

function noWay({ isReachable, go, failures }) {
  const reasons = [
    failures.includes("installer")
      ? "Pulumi's installer failed (above)"
      : isReachable
        ? ""
        : "get.pulumi.com cannot be reached",
    failures.includes("build")
      ? "building it with Go failed (above)"
      : go
        ? ""
        : "there is no Go (1.21 or newer) to build it with",
  ];
  return (
    `the Pulumi CLI ${pulumiVersion} is needed and cannot be had: ${reasons.filter(Boolean).join("; ")}. One of these helps: ` +
    `put a pulumi ${pulumiVersion} or newer (below 4) on PATH; put one at ${cached()}; install Go (on Debian: apt-get install golang-go) ` +
    "so that it can be built from the Go module proxy; or connect to the internet. Then run the same command again."
  );
}

/** Pulumi's own installer, by way of the Automation API. */
async function download(path) {
  const require = createRequire(join(root, "package.json"));
  const { PulumiCommand } = require("@pulumi/pulumi/automation");
  const target = dirname(dirname(path));
  const temporary = `${target}.${process.pid}`;
  try {
    await step(`downloading the Pulumi CLI ${pulumiVersion} with Pulumi's installer`, () =>
      PulumiCommand.install({ root: temporary }),
    );
    rmSync(target, { recursive: true, force: true });
    renameSync(temporary, target);
  } catch (error) {
    throw new Error(`Pulumi's installer failed: ${error.message}`, { cause: error });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Builds the CLI from the Go module proxy; tools/pulumi-cli fixes each module by its checksum. */
async function build(path, go) {
  const temporary = `${path}.${process.pid}`;
  mkdirSync(dirname(path), { recursive: true });
  const linker = `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${pulumiVersion}`;
  const args = [
    "build",
    "-trimpath",
    "-ldflags",
    linker,
    "-o",
    temporary,
    "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
  ];
  // GOFLAGS of the user's own (-mod=vendor) must not get in; without -buildvcs=false the build wants git.
  const env = { ...process.env, GOFLAGS: "-mod=readonly -buildvcs=false", GOWORK: "off", CGO_ENABLED: "0" };
  try {
    await step(`building the Pulumi CLI ${pulumiVersion} with Go (once; two to four minutes)`, async () => {
      const { code, output } = await run(go, args, { cwd: join(root, "tools", "pulumi-cli"), env });
      if (code !== 0) throw new Error(`go build of the Pulumi CLI failed with exit code ${code}:\n${tail(output)}`);
    });
    chmodSync(temporary, 0o755);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}
