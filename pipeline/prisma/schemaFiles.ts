import { readFile, readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { PipelineError, messageOf } from "../errors.js";

/** One `.prisma` file. */
export interface SchemaFile {
  /** Absolute path. */
  readonly path: string;
  readonly content: string;
}

/**
 * The files of a Prisma schema: the one that is named, or every `.prisma` file in the folder that is named and in its
 * folders, links followed (as `@prisma/schema-files-loader` does).
 *
 * @throws PipelineError (`usage`) where there is none, or one cannot be read.
 */
export async function readSchemaFiles(schema: string): Promise<SchemaFile[]> {
  try {
    const found = (await stat(schema)).isDirectory() ? await walk(schema, new Set()) : [schema];
    if (found.length === 0) throw missing(`Folder ${schema} holds no .prisma file.`);
    return await Promise.all(
      found.sort().map(async (file): Promise<SchemaFile> => ({ path: file, content: await readFile(file, "utf8") })),
    );
  } catch (error) {
    if (error instanceof PipelineError) throw error;
    throw missing(`The Prisma schema ${schema} cannot be read: ${messageOf(error)}.`);
  }
}

async function walk(folder: string, visited: Set<string>): Promise<string[]> {
  // A link may lead to a folder above itself.
  const real = await realpath(folder);
  if (visited.has(real)) return [];
  visited.add(real);
  const files: string[] = [];
  for (const name of await readdir(folder)) {
    const entry = path.join(folder, name);
    // A link to nothing is no schema.
    const kind = await stat(entry).catch(() => undefined);
    if (kind?.isDirectory()) files.push(...(await walk(entry, visited)));
    else if (kind?.isFile() && name.endsWith(".prisma")) files.push(entry);
  }
  return files;
}

function missing(message: string): PipelineError {
  return new PipelineError({
    code: "SCHEMA_MISSING",
    kind: "usage",
    message,
    state: "Nothing was touched.",
    next: "Mend the path of the Prisma schema in the configuration, then run the same command.",
  });
}

/** Files in the form that Prisma's parser and engine take. */
export function pairs(files: readonly SchemaFile[]): [path: string, content: string][] {
  return files.map(({ path, content }) => [path, content]);
}
