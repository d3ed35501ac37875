import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { inParallel } from "../postgres/interrupt.js";
import type { BackupFile } from "./manifest.js";

/** Streams a file through SHA-256; it is never in memory whole. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  const stream = createReadStream(path, { highWaterMark: 1 << 20 });
  await pipeline(stream, hash, { signal });
  return { bytes: stream.bytesRead, sha256: hash.digest("hex") };
}

/** What is below a folder; `regular` is false for anything but a file (a link could lead out of the store). */
export async function listFiles(folder: string, below = ""): Promise<{ path: string; regular: boolean }[]> {
  const entries = await readdir(join(folder, below), { withFileTypes: true });
  const files: { path: string; regular: boolean }[] = [];
  for (const entry of entries) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) files.push(...(await listFiles(folder, path)));
    else files.push({ path, regular: entry.isFile() });
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Size and SHA-256 of every file below `folder`; paths get `prefix/` before them. */
export async function hashFolder(
  folder: string,
  prefix: string,
  jobs: number,
  signal?: AbortSignal,
): Promise<BackupFile[]> {
  const files: BackupFile[] = [];
  await inParallel(await listFiles(folder), jobs, async ({ path }) => {
    files.push({ path: `${prefix}/${path}`, ...(await hashFile(join(folder, path), signal)) });
  });
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}
