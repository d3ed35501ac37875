import { execFileSync } from "node:child_process";
import path from "node:path";
import { PipelineError, messageOf } from "../../pipeline/errors.js";
import { environmentOf } from "../../pipeline/npmRun.js";
import { connect } from "../../pipeline/postgres/connection.js";
import { readHistory } from "../../pipeline/prisma/history.js";
import { readFolder } from "../../pipeline/risk/files.js";
import { type Target, readTarget, targetDatabase } from "./target.js";

/** The configured project's migrations that are meant where no file is named: those since a git revision, or those pending. */
export async function projectFiles(since: string | undefined): Promise<string[]> {
  const target = readTarget(environmentOf(process.env["NODE_ENV"]));
  const files = readFolder(target.paths.migrations);
  if (since !== undefined) {
    const changed = changedSince(since, target.paths.migrations);
    return files.map((file) => file.path).filter((file) => changed.has(file));
  }
  const applied = await appliedNames(target);
  return files.filter(({ name }) => !applied.has(name)).map((file) => file.path);
}

/** Absolute paths of the migrations that differ from the revision, those that git does not know yet included. */
function changedSince(revision: string, folder: string): ReadonlySet<string> {
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", folder, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  try {
    const names = [
      git("diff", "--name-only", "--relative", "-z", "--end-of-options", revision, "--", "."),
      git("ls-files", "--others", "--exclude-standard", "-z"),
    ];
    return new Set(
      names
        .flatMap((list) => list.split("\0"))
        .filter(Boolean)
        .map((name) => path.resolve(folder, name)),
    );
  } catch (error) {
    throw new PipelineError({
      code: "RISK_GIT",
      kind: "usage",
      message: `git cannot tell which migrations differ from "${revision}": ${messageOf(error)}`,
      state: "Nothing was touched.",
      next: "Name a revision that is here: git log --oneline, or git fetch first.",
    });
  }
}

/** Migrations that the environment's database has; none where it was never made or does not answer. */
async function appliedNames(target: Target): Promise<ReadonlySet<string>> {
  try {
    const database = await targetDatabase(target);
    const client = await connect(database, { applicationName: "safe-migration risk" });
    try {
      const rows = await readHistory(client, { defaultSchema: database.schema ?? "public" });
      return new Set(
        rows.filter((row) => row.finishedAt !== null && row.rolledBackAt === null).map(({ name }) => name),
      );
    } finally {
      await client.end();
    }
  } catch (error) {
    // All migrations are judged then, which says more than is asked and never less.
    if (error instanceof PipelineError) return new Set();
    throw error;
  }
}
