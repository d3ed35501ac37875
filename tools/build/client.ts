import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type SchemaFile, generatedPaths, readSchemaFiles } from "../../pipeline/prisma/schema.js";
import { run } from "../../pipeline/process.js";
import { prismaEnvironment, projectRoot } from "../prisma/environment.js";
import { BuildError } from "./buildError.js";

export interface ClientPaths {
  /** Prisma schema: a file, or a folder. */
  readonly schema: string;
  readonly migrations: string;
  /** Where it is noted what the client was generated from. */
  readonly build: string;
}

/**
 * Generates the Prisma client that the checks import, unless it is there and was generated from this very schema.
 *
 * @throws BuildError with what Prisma said.
 */
export async function generateClient(paths: ClientPaths): Promise<void> {
  const files = await readSchemaFiles(paths.schema);
  const key = await clientKey(files);
  const stamp = join(paths.build, "client.stamp");
  const known = await readFile(stamp, "utf8").catch(() => "");
  if (known === key && generatedPaths(files).every((path) => existsSync(path))) return;
  const prisma = join(projectRoot, "node_modules/prisma/build/index.js");
  const { exitCode, stdout, stderr } = await run(process.execPath, [prisma, "generate", "--schema", paths.schema], {
    cwd: projectRoot,
    env: prismaEnvironment({ environment: "local", project: paths }),
  });
  if (exitCode !== 0) throw new BuildError("The Prisma client", `${stdout}\n${stderr}`.trim(), paths.schema);
  await mkdir(paths.build, { recursive: true });
  await writeFile(stamp, key);
}

async function clientKey(files: readonly SchemaFile[]): Promise<string> {
  const hash = createHash("sha256");
  for (const { path, content } of files) hash.update(`${path}\n${content}\n`);
  hash.update(await readFile(join(projectRoot, "node_modules/prisma/package.json")));
  return hash.digest("hex");
}
