import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { PipelineError, messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { baseBackupCommand, mayMakeBaseBackups } from "./baseBackupCommand.js";
import { type BaseBackup, readBaseBackups } from "./archive.js";

/** pgBackRest's exit code where another backup is being made (LockAcquireError). */
const lockedExitCode = 50;
/** How long the first base backup of a server, which a new host makes by itself, is waited for, in milliseconds. */
const firstPatienceMs = 30 * 60_000;
const askEveryMs = 2_000;

export interface MadeBase {
  /** The newest base backup that there is now. */
  readonly base: BaseBackup;
  /** What it added to the archive, in bytes; 0 where it was there already. */
  readonly added: number;
}

/**
 * Makes a base backup of what changed since the last one; of everything, where there is none. The log leads from any earlier one to
 * the same place: where one is being made this moment (each night), that is not waited for, but where it is the first.
 *
 * @throws PipelineError (`BASE_BACKUP`, failedUnchanged) with pgBackRest's own words, and what is missing where it may not be called.
 */
export async function makeBaseBackup(
  stanza: string,
  { log, signal }: { readonly log: Logger; readonly signal: AbortSignal },
): Promise<MadeBase> {
  const started = Date.now();
  for (;;) {
    const { exitCode, said } = await runAsServer(stanza, log, signal);
    if (exitCode !== 0 && exitCode !== lockedExitCode) throw failed(stanza, said);
    const base = await newest(stanza, signal, exitCode === 0);
    if (base !== undefined && exitCode === 0) {
      log.info(`base backup ${base.label} is made`, { ms: Date.now() - started, added: base.added });
      return { base, added: base.added };
    }
    if (base !== undefined) {
      log.warn(`another base backup is being made; this one begins with ${base.label}, from which the log leads on`);
      return { base, added: 0 };
    }
    if (Date.now() - started > firstPatienceMs) throw failed(stanza, ["the first one is still being made"]);
    log.info("the first base backup of this server is being made; waiting for it");
    await sleep(askEveryMs, undefined, { signal });
  }
}

/** @param must there has to be one: why there is none is the error then */
async function newest(stanza: string, signal: AbortSignal, must: boolean): Promise<BaseBackup | undefined> {
  try {
    return (await readBaseBackups(stanza, signal)).at(-1);
  } catch (error) {
    if (must || signal.aborted) throw error;
    return undefined;
  }
}

/**
 * As PostgreSQL's account, whose files they are. On an abort it is left alone: it cannot be ended from here, and ends by itself, with
 * or without a base backup more.
 */
function runAsServer(stanza: string, log: Logger, signal: AbortSignal): Promise<{ exitCode: number; said: string[] }> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn("sudo", ["-n", "-u", "postgres", ...baseBackupCommand(stanza)], {
      cwd: "/",
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said: string[] = [];
    for (const input of [child.stdout, child.stderr])
      createInterface({ input }).on("line", (line) => {
        log.debug(line);
        said.push(line);
        if (said.length > 200) said.shift();
      });
    const leave = () => {
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      reject(signal.reason instanceof Error ? signal.reason : new Error("stopped"));
    };
    signal.addEventListener("abort", leave, { once: true });
    const over = () => signal.removeEventListener("abort", leave);
    child.once("error", (error) => {
      over();
      reject(failed(stanza, [messageOf(error)]));
    });
    child.once("close", (exitCode) => {
      over();
      resolve({ exitCode: exitCode ?? -1, said });
    });
  });
}

function failed(stanza: string, said: readonly string[]): PipelineError {
  const words = said.filter((line) => !/ (INFO|DETAIL|DEBUG): /.test(line)).slice(-6);
  const reason = (words.length > 0 ? words : said.slice(-2)).join(" ").replace(/\s+/g, " ").trim();
  const denied = said.some((line) => /^sudo: |is not allowed to (execute|run)/.test(line));
  return new PipelineError({
    code: "BASE_BACKUP",
    kind: "failedUnchanged",
    message: `A base backup of the server could not be made: ${reason}.`,
    state: "The database was not changed, and no backup was recorded.",
    next: denied
      ? `This host was set up before backup.method could be pgbackrest. As root on it: echo '${mayMakeBaseBackups("pipeline", stanza)}' >/etc/sudoers.d/safe-migration-archive; then run the same command. Or set backup.method to dump.`
      : "On the host, sudo -u postgres pgbackrest info and … check say what is wrong with the archive; then run the same command.",
  });
}
