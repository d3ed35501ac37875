import { createHash } from "node:crypto";
import { createReadStream, readdirSync } from "node:fs";
import { join, posix } from "node:path";
import { assetArchive, fileAsset, type WireObject } from "./wire";

/** Turns one glob into a test of a path: `*` stops at `/`, `**` does not; `?`, `[a-z]`, `[!a]` and `{a,b}` are known. */
function compileGlob(glob: string): RegExp {
  let source = "";
  let depth = 0;
  for (let index = 0; index < glob.length; index++) {
    const char = glob.charAt(index);
    if (char === "*") {
      const double = glob[index + 1] === "*";
      source += double ? ".*" : "[^/]*";
      if (double) index++;
    } else if (char === "?") source += "[^/]";
    else if (char === "[") {
      const end = glob.indexOf("]", index + 2);
      if (end < 0) throw new Error(`glob ${glob}: "[" without "]"`);
      source += `[${glob
        .slice(index + 1, end)
        .replace(/^!/, "^")
        .replace(/\\/g, "\\\\")}]`;
      index = end;
    } else if (char === "{") {
      depth++;
      source += "(?:";
    } else if (char === "}" && depth > 0) {
      depth--;
      source += ")";
    } else if (char === "," && depth > 0) source += "|";
    else if (char === "\\" && index + 1 < glob.length) source += escape(glob.charAt(++index));
    else source += escape(char);
  }
  if (depth > 0) throw new Error(`glob ${glob}: "{" without "}"`);
  return new RegExp(`^${source}$`, "s");
}

function escape(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

/** The files below `dir` that the rules leave: taken in order, a rule that starts with `!` takes out again. */
export function select(paths: readonly string[], globs: readonly string[]): string[] {
  const rules = globs.map((glob) => ({ out: glob.startsWith("!"), test: compileGlob(glob.replace(/^!/, "")) }));
  return paths.filter((path) => rules.reduce((taken, rule) => (rule.test.test(path) ? !rule.out : taken), false));
}

export async function collectAssets(dir: string, globs: readonly string[]): Promise<Record<string, WireObject>> {
  const assets: Record<string, WireObject> = {};
  for (const path of select(walk(dir), globs))
    assets[path] = fileAsset(posix.join(dir, path), await hashFile(join(dir, path)));
  return assets;
}

export async function collectArchive(dir: string, globs: readonly string[]): Promise<WireObject> {
  const assets = await collectAssets(dir, globs);
  const hash = createHash("sha256");
  for (const [path, asset] of Object.entries(assets)) hash.update(JSON.stringify([path, asset.hash]));
  return assetArchive(assets, hash.digest("hex"));
}

function walk(root: string, below = ""): string[] {
  return readdirSync(join(root, below), { withFileTypes: true })
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .flatMap((entry) => {
      const path = posix.join(below, entry.name);
      return entry.isDirectory() ? walk(root, path) : [path];
    });
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
