import { open, readFile, readlink, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { StageContext } from "../context.js";
import { PipelineError } from "../errors.js";
import { isThere } from "../owner.js";
import { run } from "../process.js";
import { asAccount, type Account } from "./account.js";
import type { Binaries } from "./binaries.js";
import { ifThere } from "./files.js";
import { interrupted } from "./lock.js";

/** How long pg_ctl waits for a start (crash recovery included) or a stop, in seconds. */
const waitSeconds = 300;
/** After a crash, what is left of the old server may hold its shared memory for a moment: tries, and pause between. */
const leftovers = { tries: 40, pauseMs: 250 } as const;
/** A log longer than this is emptied at a start, in bytes. */
const maxLogBytes = 20_000_000;

export interface RunningServer {
  readonly pid: number;
  readonly port: number;
}

/** The fields of `postmaster.pid` (`miscadmin.h`): process, data folder, start time, port, …, state. */
export function parsePidFile(text: string): { pid: number; port: number; ready: boolean } | undefined {
  const lines = text.split("\n");
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  if (!Number.isInteger(pid) || pid <= 0 || !Number.isInteger(port)) return undefined;
  return { pid, port, ready: lines[7]?.trim() === "ready" };
}

/** The server that runs on a data folder; a `postmaster.pid` left by a crash is none. */
export async function runningServer(data: string): Promise<RunningServer | undefined> {
  const text = await ifThere(readFile(join(data, "postmaster.pid"), "utf8"));
  const found = text === undefined ? undefined : parsePidFile(text);
  return found !== undefined && (await isServerOf(found.pid, data)) ? found : undefined;
}

/** A process id may have been given to another program since: the server's working folder is its data folder. */
async function isServerOf(pid: number, data: string): Promise<boolean> {
  const folder = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
  if (folder !== undefined) return folder === data;
  if ((await ifThere(stat("/proc/self"))) !== undefined) return false;
  const { stdout } = await run("ps", ["-p", String(pid), "-o", "command="], { cwd: "/" });
  return stdout.includes(data);
}

/** What is needed to start and stop a server. */
export interface Server {
  readonly data: string;
  readonly log: string;
  readonly account: Account;
  readonly binaries: Binaries;
}

/**
 * Starts the server and waits until it is ready. It goes on when this process ends, and holds none of its files open.
 *
 * @returns `portTaken` where something else took the port.
 * @throws PipelineError `SERVER_START` with the end of its log.
 */
export async function startServer(server: Server, { log, signal }: StageContext): Promise<"started" | "portTaken"> {
  await removeStalePidFile(server.data);
  await prepareLog(server);
  for (let attempt = 1; ; attempt++) {
    if (signal.aborted) throw interrupted(server.data);
    const from = (await stat(server.log)).size;
    const args = ["start", "-w", "-s", "-t", String(waitSeconds), "-D", server.data, "-l", server.log];
    const { exitCode, stderr } = await run(pgCtl(server), args, asAccount(server.account));
    if (exitCode === 0) return "started";
    const said = (await readFile(server.log)).subarray(from).toString("utf8");
    const cause = whyNotStarted(said);
    if (cause === "port") return "portTaken";
    if (cause !== "leftover" || attempt >= leftovers.tries) throw startFailed(server, cause, said || stderr);
    if (attempt === 1) log.info("The processes of a crashed server are still ending; waiting for them.");
    await sleep(leftovers.pauseMs);
  }
}

/** Why a server did not start, by what it said in its log. */
export function whyNotStarted(said: string): "port" | "leftover" | "disk" | "other" {
  if (/pre-existing shared memory block|lock file "postmaster\.pid" already exists/.test(said)) return "leftover";
  if (/could not bind .*address|Address already in use/.test(said)) return "port";
  if (/No space left on device|Disk quota exceeded/.test(said)) return "disk";
  return "other";
}

/** Stops it with all its sessions (`fast`), their transactions rolled back; not running is no error. */
export async function stopServer(server: Omit<Server, "log">, mode: "fast" | "immediate" = "fast"): Promise<boolean> {
  if ((await runningServer(server.data)) === undefined) return false;
  const args = ["stop", "-w", "-s", "-t", String(waitSeconds), "-m", mode, "-D", server.data];
  const { exitCode, stderr } = await run(pgCtl(server), args, asAccount(server.account));
  if (exitCode === 0 || (await runningServer(server.data)) === undefined) return true;
  throw new PipelineError({
    code: "SERVER_STOP",
    kind: "failedUnchanged",
    message: `The local server on ${server.data} did not stop: ${stderr.trim()}`,
    state: "It is still running or still stopping; no data is lost.",
    next: "Run the same command again.",
  });
}

function pgCtl(server: { binaries: Binaries }): string {
  return join(server.binaries.directory, "pg_ctl");
}

/** PostgreSQL itself refuses to start while any process of its user has the number in the file. */
async function removeStalePidFile(data: string): Promise<void> {
  const path = join(data, "postmaster.pid");
  const text = await ifThere(readFile(path, "utf8"));
  const pid = text === undefined ? undefined : parsePidFile(text)?.pid;
  if (pid === undefined || !isThere(pid)) return;
  if (!(await isServerOf(pid, data))) await rm(path, { force: true });
}

async function prepareLog({ log, account }: Server): Promise<void> {
  const file = await open(log, "a", 0o600);
  try {
    if (account.other) await file.chown(account.uid, account.gid);
    if ((await file.stat()).size > maxLogBytes) await truncate(log);
  } finally {
    await file.close();
  }
}

function startFailed(server: Server, cause: "leftover" | "disk" | "other", said: string): PipelineError {
  const tail = said.trim().split("\n").slice(-8).join("\n");
  return new PipelineError({
    code: cause === "disk" ? "DISK_FULL" : "SERVER_START",
    kind: "failedUnchanged",
    message: `The local server did not start${cause === "disk" ? ", because the disk is full" : ""}. It said:\n${tail}`,
    state: `It is not running; its data in ${server.data} is as it was.`,
    next:
      cause === "disk"
        ? `Free space on the disk of ${server.data}, then run: npm start`
        : `Mend that (the whole log: ${server.log}), then run: npm start`,
  });
}
