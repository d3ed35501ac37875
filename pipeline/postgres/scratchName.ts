import { createHash } from "node:crypto";
import { z } from "zod";

/** PostgreSQL cuts longer names off silently (`NAMEDATALEN` less one, in bytes). */
const nameBytes = 63;
/** Longest identifier of a backup that a name spells out. */
const idLength = 24;

/** The beginning of a text that is no longer than `bytes` in UTF-8, without half a character at its end. */
export function cutBytes(text: string, bytes: number): string {
  let cut = "";
  let length = 0;
  for (const character of text) {
    length += Buffer.byteLength(character);
    if (length > bytes) break;
    cut += character;
  }
  return cut;
}

/** `name` with `suffix`, the name cut where both would be too long. */
function suffixed(name: string, suffix: string): string {
  return cutBytes(name, nameBytes - Buffer.byteLength(suffix)) + suffix;
}

/** What a scratch database is made for: to take another's place (with its own data, or another one's), or to try migrations on. */
export type ScratchPurpose = "restore" | "rehearse" | "refresh";

/** Name of the database that a backup is restored into: `shop_restore_<id>`. */
export function scratchName(database: string, purpose: ScratchPurpose, id: string, attempt = 1): string {
  const short = id.length <= idLength ? id : `${id.slice(0, idLength - 9)}_${sha(id)}`;
  return suffixed(database, `_${purpose}_${short}${attempt === 1 ? "" : `_${attempt}`}`);
}

function sha(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** Name that a database is kept under once another took its place: `shop_before_20260131_235959`, in UTC. */
export function keptName(database: string, now: Date, attempt = 1): string {
  const time = now
    .toISOString()
    .replace(/\.\d+Z$/, "")
    .replace(/[-:]/g, "")
    .replace("T", "_");
  return suffixed(database, `_before_${time}${attempt === 1 ? "" : `_${attempt}`}`);
}

const markPrefix = "safe-migration scratch: ";
const markSchema = z.strictObject({
  /** The database it was to replace. */
  of: z.string(),
  backup: z.string(),
  since: z.iso.datetime(),
});
export type ScratchMark = z.infer<typeof markSchema>;

/** The comment that marks a database as made by this program, to be dropped by the next run if this one is killed. */
export function renderMark(mark: ScratchMark): string {
  return `${markPrefix}${JSON.stringify(mark)}`;
}

export function parseMark(comment: string | null): ScratchMark | undefined {
  if (comment === null || !comment.startsWith(markPrefix)) return undefined;
  try {
    return markSchema.safeParse(JSON.parse(comment.slice(markPrefix.length))).data;
  } catch {
    return undefined;
  }
}
