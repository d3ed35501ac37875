import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type SchemaFile, generatedPaths, readSchemaFiles } from "../../pipeline/prisma/schema.js";
import { run } from "../../pipeline/process.js";
import { generatorFor } from "../prisma/generate.js";
import type { StockPrisma } from "../prisma/stock.js";
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
  const generator = await generatorFor({ environment: "local", project: paths });
  const key = await clientKey(files, generator);
  const stamp = join(paths.build, "client.stamp");
  const known = await readFile(stamp, "utf8").catch(() => "");
  if (known === key && generatedPaths(files).every((path) => existsSync(path))) return;
  const { command, args, env, cwd } = generator;
  const { exitCode, stdout, stderr } = await run(command, args, { cwd, env });
  if (exitCode !== 0) throw new BuildError("The Prisma client", `${stdout}\n${stderr}`.trim(), paths.schema);
  await mkdir(paths.build, { recursive: true });
  await writeFile(stamp, key);
}

async function clientKey(files: readonly SchemaFile[], { args: [cli = ""] }: StockPrisma): Promise<string> {
  const hash = createHash("sha256");
  for (const { path, content } of files) hash.update(`${path}\n${content}\n`);
  hash.update(await readFile(join(dirname(cli), "../package.json")));
  return hash.digest("hex");
}
