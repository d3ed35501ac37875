import { userInfo } from "node:os";
import { PipelineError, messageOf } from "../errors.js";
import { run } from "../process.js";

/** The account of the machine that the server runs as. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Whether it is another one than this process's own, so that children must be given its ids. */
  readonly other: boolean;
}

/** Accounts a server may run as where this process is root, the best first: `postgres` is what packages make. */
const unprivileged = ["postgres", "nobody"];

/**
 * The account the server runs as: this process's own, unless that is root, which PostgreSQL refuses to run as.
 *
 * @throws PipelineError `NO_ACCOUNT` where there is none.
 */
export async function serverAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return ownAccount();
  for (const name of unprivileged) {
    const account = await lookUp(name);
    if (account !== undefined) return account;
  }
  throw noAccount(
    `PostgreSQL refuses to run as root, and this machine has none of the users ${unprivileged.join(", ")}`,
    "Run the same command as an ordinary user, or make one: useradd --system postgres",
  );
}

function ownAccount(): Account {
  try {
    const { username, uid, gid } = userInfo();
    return { name: username, uid, gid, other: false };
  } catch (error) {
    throw noAccount(
      `PostgreSQL needs to know the name of the user it runs as, and this one has none (${messageOf(error)})`,
      "Run the same command as a user that is listed in /etc/passwd.",
    );
  }
}

async function lookUp(name: string): Promise<Account | undefined> {
  const [uid, gid] = await Promise.all([run("id", ["-u", name]), run("id", ["-g", name])]);
  if (uid.exitCode !== 0 || gid.exitCode !== 0) return undefined;
  return { name, uid: Number(uid.stdout), gid: Number(gid.stdout), other: true };
}

/** How a child is run as the account. `/` is a folder that every account may stand in. */
export function asAccount(account: Account): { cwd: string; uid?: number; gid?: number; env: Record<string, string> } {
  // Messages are matched and shown in English, whatever the language of the person's shell.
  const env = { LC_ALL: "C", LANGUAGE: "C" };
  return account.other ? { cwd: "/", uid: account.uid, gid: account.gid, env } : { cwd: "/", env };
}

/** Whether the account may step into a folder; tried for real, since modes do not tell of access lists and mounts. */
export async function mayEnter(account: Account, directory: string): Promise<boolean> {
  const { exitCode } = await run("/bin/sh", ["-c", 'cd -- "$1" 2>/dev/null', "sh", directory], asAccount(account));
  return exitCode === 0;
}

function noAccount(reason: string, next: string): PipelineError {
  return new PipelineError({
    code: "NO_ACCOUNT",
    kind: "refused",
    message: `The local PostgreSQL cannot be run: ${reason}.`,
    state: "Nothing was changed.",
    next,
  });
}
