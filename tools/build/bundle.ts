import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { type BuildOptions, build, version } from "esbuild";
import { messageOf } from "../../pipeline/errors.js";
import { wasmFiles } from "../../pipeline/prisma/wasmFiles.js";
import { withLock } from "../setup/lock.mjs";
import { projectRoot } from "../prisma/environment.js";
import { BuildError } from "./buildError.js";
import { generateClient } from "./client.js";
import { isStillMadeSo, madeOf } from "./inputs.js";

export interface Bundle {
  /** Absolute path of the pipeline's CLI. */
  readonly cli: string;
  /** Absolute path of the checks module, where the project has one. */
  readonly checks: string | undefined;
}

export interface BundlePaths {
  /** Folder of this project: its pipeline and its node_modules. */
  readonly root: string;
  /** Folder the bundle is written to. */
  readonly build: string;
  /** Source of the checks module, if there is one. */
  readonly checks: string | undefined;
  /** The Prisma schema that the client of the checks is generated from. */
  readonly schema: string;
  readonly migrations: string;
}

/**
 * Bundles the pipeline and the project's checks, so that what runs is what is checked out and a host needs nothing but
 * Node.js. Files are replaced by rename: a stage that is running keeps its own.
 */
export async function bundlePipeline(paths: BundlePaths): Promise<Bundle> {
  const { root, build: buildFolder } = paths;
  await mkdir(buildFolder, { recursive: true });
  const cli = join(buildFolder, "pipeline.cjs");
  await bundleUnlessMade(root, resolve(root, "pipeline/cli.ts"), cli);
  for (const file of wasmFiles()) {
    await replace(join(buildFolder, basename(file)), (partial) => copyFile(file, partial));
  }
  return { cli, checks: await bundleChecks(paths) };
}

/** The project's checks alone, for stages that run in this process. @returns the bundle's path, where the project has checks */
export async function bundleChecks(paths: Omit<BundlePaths, "root">): Promise<string | undefined> {
  const { build: buildFolder, checks } = paths;
  if (checks === undefined) return undefined;
  await mkdir(buildFolder, { recursive: true });
  // Two stacks may be updated from one checkout at once: neither bundles a client that the other is writing.
  return withLock(join(buildFolder, "client.lock"), "the Prisma client", async () => {
    await generateClient(paths);
    const target = join(buildFolder, "checks.cjs");
    // Another project may have installed meanwhile what was found here before.
    if (relative(projectRoot, checks).startsWith("..")) await bundleModule(checks, target);
    else await bundleUnlessMade(projectRoot, checks, target);
    return target;
  });
}

/**
 * Bundles a module, which takes up to a second, unless the bundle is there and was made of these very files.
 *
 * @param root the folder whose packages it imports
 */
async function bundleUnlessMade(root: string, source: string, target: string): Promise<void> {
  const noted = `${target}.made`;
  const how = JSON.stringify([version, options, source]);
  if (await isStillMadeSo(noted, how)) return;
  const since = Date.now();
  const { text, inputs } = await bundleModule(source, target);
  // Another version of a package may be found elsewhere.
  const made = await madeOf(target, { how, sources: [...inputs, join(root, "package-lock.json")], since });
  // Another update may have put there what it made of older sources.
  if (made !== undefined && (await readFile(target, "utf8")) === text)
    await replace(noted, (partial) => writeFile(partial, JSON.stringify(made)));
}

const options = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  // The checks of another project find here what that project has not installed.
  nodePaths: [join(projectRoot, "node_modules")],
  // pg's optional native binding is never installed.
  external: ["pg-native"],
} satisfies BuildOptions;

/** @returns what it holds, and the files that it was made of */
async function bundleModule(source: string, target: string): Promise<{ text: string; inputs: string[] }> {
  const built = await build({
    ...options,
    entryPoints: [source],
    metafile: true,
    write: false,
    logLevel: "silent",
  }).catch((error: unknown) => {
    throw new BuildError("The bundle", messageOf(error), source);
  });
  const text = built.outputFiles[0]?.text ?? "";
  const before = await readFile(target, "utf8").catch(() => undefined);
  if (before !== text) await replace(target, (partial) => writeFile(partial, text, { mode: 0o644 }));
  const inputs = Object.keys(built.metafile.inputs).map((name) => resolve(name));
  return { text, inputs };
}

async function replace(target: string, write: (partial: string) => Promise<void>): Promise<void> {
  const partial = `${target}.${process.pid}`;
  try {
    await write(partial);
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
}
