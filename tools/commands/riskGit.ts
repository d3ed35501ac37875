import { execFileSync } from "node:child_process";
import path from "node:path";
import { PipelineError, messageOf } from "../../pipeline/errors.js";
import { readFolder, scriptName } from "../../pipeline/risk/files.js";
import type { MigrationSource } from "../../pipeline/risk/types.js";

/** Migrations of a folder, and the names of those that git says are new or changed. */
export interface SinceRevision {
  readonly history: readonly MigrationSource[];
  readonly changed: ReadonlySet<string>;
}

/**
 * The migrations that differ from a git revision as the files are now, those that git does not know yet included; or, for a range
 * `A..B` or `A...B`, those that differ between both, as they are in `B`.
 *
 * @throws PipelineError (`usage`) where git does not know a revision.
 */
export function migrationsSince(revision: string, folder: string): SinceRevision {
  const git = (args: readonly string[], input?: string) =>
    execFileSync("git", ["-C", folder, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
      maxBuffer: 1024 ** 3,
      ...(input === undefined ? {} : { input }),
    });
  const list = (...args: string[]) => git(args).toString().split("\0").filter(Boolean);
  const at = (name: string) => path.relative(process.cwd(), path.join(folder, name));
  try {
    const changed = list("diff", "--name-only", "--relative", "-z", "--end-of-options", revision, "--", ".");
    const end = /^.*?\.{2,3}(.*)$/.exec(revision)?.[1];
    if (end === undefined) {
      const unknown = list("ls-files", "--others", "--exclude-standard", "-z");
      const history = readFolder(folder).map((source) => ({ ...source, path: at(`${source.name}/${scriptName}`) }));
      return { history, changed: namesOf([...changed, ...unknown]) };
    }
    const commit = end === "" ? "HEAD" : end;
    const scripts = list("ls-tree", "-r", "-z", "--name-only", "--end-of-options", commit, ".").filter((file) =>
      /^[^/]+\/migration\.sql$/.test(file),
    );
    const texts = contents(git(["cat-file", "--batch"], scripts.map((file) => `${commit}:./${file}\n`).join("")));
    const history = scripts.map((file, number) => ({
      name: path.posix.dirname(file),
      path: at(file),
      sql: texts[number] ?? "",
    }));
    return { history: history.sort((a, b) => a.name.localeCompare(b.name)), changed: namesOf(changed) };
  } catch (error) {
    throw new PipelineError({
      code: "RISK_GIT",
      kind: "usage",
      message: `git cannot tell which migrations differ by "${revision}": ${reasonOf(error)}`,
      state: "Nothing was touched.",
      next: "Name a revision, or a range A..B, that is here: git log --oneline, or git fetch first.",
    });
  }
}

function namesOf(files: readonly string[]): Set<string> {
  return new Set(
    files.filter((file) => path.posix.basename(file) === scriptName).map((file) => path.posix.dirname(file)),
  );
}

/** `git cat-file --batch`: for each object a line `<id> blob <bytes>`, its bytes and a line feed. */
function contents(output: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < output.length;) {
    const end = output.indexOf(10, at);
    const bytes = Number(output.subarray(at, end).toString().split(" ")[2]);
    if (!Number.isInteger(bytes)) throw new Error(output.subarray(at, end).toString());
    texts.push(output.subarray(end + 1, end + 1 + bytes).toString("utf8"));
    at = end + 1 + bytes + 1;
  }
  return texts;
}

/** What git itself said, and not the command line that Node.js puts before it. */
function reasonOf(error: unknown): string {
  const stderr = (error as { stderr?: unknown }).stderr;
  const said = Buffer.isBuffer(stderr) ? stderr.toString().trim() : "";
  return said === "" ? messageOf(error) : said;
}
