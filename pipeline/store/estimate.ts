import type { Manifest } from "./manifest.js";

/** What a dump needs at least beside the tables' rows: its list of contents and a file for each table. */
const overheadBytes = 4 * 1_048_576;

/**
 * How many bytes a backup will probably take. As the newest one did, in proportion, with a fifth on top; without one, half
 * of the tables' size (light compression takes text to a third, and leaves images as they are).
 */
export function estimateBackup(
  sizes: { database: number; tables: number },
  newest?: Pick<Manifest, "files" | "databaseBytes">,
): number {
  if (newest === undefined || newest.databaseBytes === 0) return Math.ceil(sizes.tables / 2) + overheadBytes;
  const bytes = newest.files.reduce((sum, file) => sum + file.bytes, 0);
  return Math.ceil((bytes / newest.databaseBytes) * sizes.database * 1.2) + overheadBytes;
}
