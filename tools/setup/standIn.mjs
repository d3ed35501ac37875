import { createHash } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockHash } from "./nodePackages.mjs";
import { root } from "./places.mjs";
import { run, tail } from "./run.mjs";

const source = join(root, "tools", "command-plugin");

/** The file by which a stand-in is told from the real plugin. */
export const marker = "STAND-IN.json";

/** Changes when the stand-in's code, or a library bundled into it, changes. */
export function standInHash() {
  const hash = createHash("sha256").update(lockHash());
  for (const name of readdirSync(source).sort()) hash.update(name).update(readFileSync(join(source, name)));
  return hash.digest("hex");
}

/**
 * Bundles the stand-in, with all it needs but Node itself, into a tarball as `pulumi plugin install --file` takes it, and
 * hands that to `use`.
 *
 * @template T
 * @param {(tarball: string) => Promise<T>} use
 */
export async function withStandInTarball(use) {
  const temporary = mkdtempSync(join(tmpdir(), "safe-migration-plugin-"));
  try {
    const content = join(temporary, "content");
    mkdirSync(content);
    await bundle(join(content, "provider.cjs"));
    cpSync(join(source, "README.md"), join(content, "README.md"));
    writeFileSync(join(content, marker), JSON.stringify({ standIn: true, hash: standInHash() }));
    const launcher = join(content, "pulumi-resource-command");
    writeFileSync(launcher, launcherFor(process.execPath));
    chmodSync(launcher, 0o755);
    const tarball = join(temporary, "plugin.tar.gz");
    const { code, output } = await run("tar", ["-czf", tarball, "-C", content, "."]);
    if (code !== 0) throw new Error(`packing the stand-in plugin failed (tar, exit code ${code}):\n${tail(output)}`);
    return await use(tarball);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function bundle(outfile) {
  const { build } = createRequire(join(root, "package.json"))("esbuild");
  await build({
    entryPoints: [join(source, "main.ts")],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    minify: true,
    legalComments: "eof",
    // Optional parts of ssh2, native, which it does without.
    external: ["*.node", "cpu-features"],
    logLevel: "error",
  });
}

/** Runs the bundle with the Node that set it up, or with the one on PATH once that is gone. */
function launcherFor(node) {
  const quoted = `'${node.replaceAll("'", "'\\''")}'`;
  return `#!/bin/sh
node=${quoted}
[ -x "$node" ] || node=node
exec "$node" "$(dirname "$0")/provider.cjs" "$@"
`;
}
