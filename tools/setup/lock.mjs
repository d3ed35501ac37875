import { linkSync, mkdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { say } from "./say.mjs";

/** What the kernel says of a process after its name: its state, …; nothing where there is no /proc. */
function statOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/** When a process began, in the kernel's ticks since boot; with its id this names it for good. Nothing where /proc is not. */
export function startOf(pid) {
  return statOf(pid)?.[19];
}

/** Whether a process runs; one that ended and was not yet collected by its parent does not. */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return statOf(pid)?.[0] !== "Z";
  } catch (error) {
    return error.code === "EPERM";
  }
}

/**
 * Whether the holder of a lock is still there. A holder on another machine is taken to be, as nothing can be known of it.
 *
 * @param {{ pid: number, start?: string, host: string }} holder
 * @param {{ host: string, isAlive: (pid: number) => boolean, startOf: (pid: number) => string | undefined }} machine
 */
export function isHeld(holder, machine = { host: hostname(), isAlive, startOf }) {
  if (holder.host !== machine.host) return true;
  if (!machine.isAlive(holder.pid)) return false;
  const start = machine.startOf(holder.pid);
  // The same id may belong to another process by now.
  return holder.start === undefined || start === undefined || start === holder.start;
}

/**
 * Does some work while holding a lock file. If another process holds it, waits for that one and says so; if the holder died,
 * takes the lock over.
 *
 * @template T
 * @param {string} path
 * @param {string} what what is locked, for the message
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(path, what, work) {
  mkdirSync(dirname(path), { recursive: true });
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, JSON.stringify({ pid: process.pid, start: startOf(process.pid), host: hostname() }));
  try {
    await take(path, mine, what);
  } finally {
    rmSync(mine, { force: true });
  }
  const release = () => rmSync(path, { force: true });
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.removeListener("exit", release);
    release();
  }
}

async function take(path, mine, what) {
  for (let told; ; await sleep(250)) {
    try {
      // A link to a complete file appears all at once: nobody ever reads half a lock.
      linkSync(mine, path);
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const holder = readHolder(path);
    if (holder === undefined) continue;
    if (!isHeld(holder)) {
      say(`${what}: taking over from process ${holder.pid}, which ended without finishing`);
      removeIfSame(path, holder.id);
    } else if (told !== holder.pid) {
      say(`${what}: waiting for process ${holder.pid}, which is at it already (if nothing is, remove ${path})`);
      told = holder.pid;
    }
  }
}

function readHolder(path) {
  try {
    const id = statSync(path).ino;
    return { ...JSON.parse(readFileSync(path, "utf8")), id };
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    if (error instanceof SyntaxError) return { pid: 0, host: hostname(), start: "unreadable", id: statSync(path).ino };
    throw error;
  }
}

/** Removes the lock unless another process has taken it over meanwhile. */
function removeIfSame(path, id) {
  try {
    if (statSync(path).ino === id) unlinkSync(path);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}
