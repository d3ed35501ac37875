import { readFile, stat } from "node:fs/promises";

/** What tells a file from a changed one, as `git` has it: another content has another of these. */
type Look = readonly [path: string, size: number, modified: number, changed: number, inode: number];

/** What a file was made of, for it to be made anew once one of these is another. */
export interface Made {
  /** How it was made. */
  readonly how: string;
  /** It and its sources, as they were. */
  readonly looks: readonly Look[];
}

/** A source that was written so shortly before may have been read before it was written once more, in milliseconds. */
const shortly = 100;

/**
 * @param since when the making began (milliseconds since the epoch)
 * @returns `undefined` where a source was changed meanwhile, or is gone: what was made of it cannot be known
 */
export async function madeOf(
  target: string,
  { how, sources, since }: { readonly how: string; readonly sources: readonly string[]; readonly since: number },
): Promise<Made | undefined> {
  const looks = await Promise.all([target, ...sources].map(lookAt)).catch(() => []);
  const [, ...ofSources] = looks;
  if (looks.length === 0 || ofSources.some((look) => look[3] > since - shortly)) return undefined;
  return { how, looks };
}

/** Whether the file that this was noted of, in a file beside it, is there and would be made of the very same again. */
export async function isStillMadeSo(noted: string, how: string): Promise<boolean> {
  try {
    const made = JSON.parse(await readFile(noted, "utf8")) as Made;
    if (made.how !== how) return false;
    const same = await Promise.all(
      made.looks.map(async (look) => (await lookAt(look[0])).every((part, at) => part === look[at])),
    );
    return same.every(Boolean);
  } catch {
    // Nothing was noted, it cannot be read, or a file is gone.
    return false;
  }
}

async function lookAt(path: string): Promise<Look> {
  const { size, mtimeMs, ctimeMs, ino } = await stat(path);
  return [path, size, mtimeMs, ctimeMs, ino];
}
