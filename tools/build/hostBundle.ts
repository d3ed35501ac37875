import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { hostPaths } from "../../config/hostPaths.js";
import type { Project } from "../../pipeline/contracts.js";
import { wasmFiles } from "../../pipeline/prisma/wasmFiles.js";
import { type BundlePaths, bundlePipeline } from "./bundle.js";

/** All that a host needs to run stages, beside Node.js and PostgreSQL's client programs. */
export interface HostBundle {
  /** Absolute path of the folder here. */
  readonly folder: string;
  /** SHA-256 over all files; also the name of the folder on the host. */
  readonly hash: string;
  readonly bytes: number;
}

/** Name of the list of the bundle's files with their SHA-256, as `sha256sum --check` reads it. */
export const checksumsFile = "SHA256SUMS";
/** How many bundles are kept here. */
const kept = 3;

/**
 * Puts the pipeline, the Prisma project and its checks together in one folder, whose name says what is in it: it is made beside
 * and renamed, and one that is there already is the same.
 *
 * @throws BuildError where the pipeline or the checks cannot be built
 */
export async function hostBundle(paths: BundlePaths): Promise<HostBundle> {
  const built = await bundlePipeline(paths);
  const partial = join(paths.build, `host.${process.pid}`);
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  try {
    for (const file of [built.cli, ...wasmFiles(), ...(built.checks === undefined ? [] : [built.checks])]) {
      await cp(file, join(partial, basename(file)));
    }
    await cp(paths.schema, join(partial, schemaName(await isFolder(paths.schema))), { recursive: true });
    await cp(paths.migrations, join(partial, "migrations"), { recursive: true });
    const { text, bytes } = await checksums(partial);
    await writeFile(join(partial, checksumsFile), text);
    const hash = createHash("sha256").update(text).digest("hex");
    const folder = join(paths.build, `host-${hash}`);
    await put(partial, folder, text);
    await removeOlder(paths.build);
    return { folder, hash, bytes };
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Another stack's update may be copying the one that is there: it is left where each of its files is what it should be. */
async function put(partial: string, folder: string, text: string): Promise<void> {
  try {
    await rename(partial, folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
    const now = new Date();
    if ((await checksums(folder)).text === text) return utimes(folder, now, now);
    await rm(folder, { recursive: true });
    await rename(partial, folder);
  }
}

/** The project as the stages on a host find it. @param bundle hash of a bundle; default: the one that is in use */
export async function hostProject(paths: Pick<BundlePaths, "schema" | "checks">, bundle = "current"): Promise<Project> {
  const current = `${hostPaths.bundles}/${bundle}`;
  return {
    schema: `${current}/${schemaName(await isFolder(paths.schema))}`,
    migrations: `${current}/migrations`,
    ...(paths.checks === undefined ? {} : { checks: `${current}/checks.cjs` }),
  };
}

function schemaName(folder: boolean): string {
  return folder ? "schema" : "schema.prisma";
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path)).isDirectory();
}

async function checksums(folder: string): Promise<{ text: string; bytes: number }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((file) => file !== checksumsFile)
    .sort();
  let text = "";
  let bytes = 0;
  for (const file of files) {
    const content = await readFile(join(folder, file));
    bytes += content.length;
    text += `${createHash("sha256").update(content).digest("hex")}  ${file}\n`;
  }
  return { text, bytes };
}

async function removeOlder(build: string): Promise<void> {
  const names = (await readdir(build)).filter((name) => /^host-[0-9a-f]{64}$/.test(name));
  const dated = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(build, name)).catch(() => undefined))?.mtimeMs ?? 0 })),
  );
  for (const { name } of dated.sort((a, b) => b.at - a.at).slice(kept)) {
    await rm(join(build, name), { recursive: true, force: true });
  }
}
