import { execFileSync } from "node:child_process";
import { userInfo } from "node:os";

/** Who types: git's `Name <address>`, as the commit of the approval will say it; else the account's name. */
export function whoAmI(folder: string, env: NodeJS.ProcessEnv = process.env): string {
  const name = git(folder, "user.name");
  const address = git(folder, "user.email");
  if (name !== undefined) return address === undefined ? name : `${name} <${address}>`;
  return address ?? env["USER"] ?? accountName() ?? "unknown";
}

function git(folder: string, key: string): string | undefined {
  try {
    const value = execFileSync("git", ["config", "--get", key], {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
    return value === "" ? undefined : value;
  } catch {
    // No git, or no such setting.
    return undefined;
  }
}

function accountName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    // An account without an entry, as containers have.
    return undefined;
  }
}
