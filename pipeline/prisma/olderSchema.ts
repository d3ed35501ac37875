import type { SchemaFile } from "./schemaFiles.js";
import { blankDatasourceProperties, withoutPreviewFeatures } from "./schemaText.js";

/**
 * Prisma 6 and older keep connection URLs in the datasource block, where Prisma 7 refuses them. The pipeline connects as its own
 * configuration says and never reads them, so it takes them out of what it hands to Prisma 7's parser and engine; the files of
 * the project stay as they are.
 */

/** Properties of a datasource that Prisma 7 has moved to `prisma.config.ts`. */
const connectionProperties = ["url", "directUrl", "shadowDatabaseUrl"];

/** Preview features that Prisma 7 no longer knows, and without which a schema means the same to the database. */
const goneFeatures = new Set(["metrics"]);

/** What was taken out of the files of a schema. */
export interface OlderProperty {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** `url`, `directUrl`, `shadowDatabaseUrl`, or a preview feature's name. */
  readonly name: string;
}

/** The files without what Prisma 7 refuses; every line keeps its number. Values are not told: a URL may hold a password. */
export function withoutOlderProperties(files: readonly SchemaFile[]): {
  readonly files: readonly SchemaFile[];
  readonly removed: readonly OlderProperty[];
} {
  const removed: OlderProperty[] = [];
  const cleaned = files.map(({ path, content }) => {
    const note = (name: string, line: number): void => void removed.push({ path, line, name });
    const offline = blankDatasourceProperties(content, connectionProperties, note);
    return { path, content: withoutPreviewFeatures(offline, goneFeatures, note) };
  });
  return { files: cleaned, removed };
}

/** What a person is told of what was taken out; empty where there was nothing. */
export function describeOlderProperties(removed: readonly OlderProperty[]): string {
  if (removed.length === 0) return "";
  const list = removed.map(({ path, line, name }) => `${name} (${path}:${line})`).join(", ");
  return `the Prisma schema is of Prisma 6 or older; not read here, since connections come from the configuration: ${list}`;
}
