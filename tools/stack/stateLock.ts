import { readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

/** Who holds the lock of a stack in a file backend, as Pulumi wrote it. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  readonly user: string;
  readonly since: string;
}

export type Liveness = "alive" | "dead" | "elsewhere";

export interface Machine {
  readonly host: string;
  /** The name of a running process's program; nothing if there is no such process. */
  readonly programOf: (pid: number) => string | undefined;
}

const thisMachine: Machine = {
  host: hostname(),
  programOf: (pid) => {
    try {
      process.kill(pid, 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EPERM") return undefined;
    }
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const end = stat.lastIndexOf(")");
      // A process that ended and was not yet collected by its parent runs no more.
      return stat.slice(end + 2, end + 3) === "Z" ? undefined : stat.slice(stat.indexOf("(") + 1, end);
    } catch {
      // No /proc here: that the process is there must do.
      return "pulumi";
    }
  },
};

/** Whether the holder still runs; a process that is not `pulumi` has been given the id of one that ended. */
export function livenessOf(holder: LockHolder, machine: Machine = thisMachine): Liveness {
  if (holder.host !== machine.host) return "elsewhere";
  return machine.programOf(holder.pid)?.startsWith("pulumi") ? "alive" : "dead";
}

/** The holders of a stack's locks, from the backend's folder. */
export function readLocks(stateFolder: string, project: string, stack: string): LockHolder[] {
  const folder = join(stateFolder, ".pulumi", "locks", "organization", project, stack);
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return names.map((name) => parseLock(readFileSync(join(folder, name), "utf8")));
}

/** An unreadable lock is one whose writer died while writing. */
export function parseLock(text: string): LockHolder {
  try {
    const lock = JSON.parse(text) as Partial<Record<"pid" | "hostname" | "username" | "timestamp", unknown>>;
    const words = (value: unknown) => (typeof value === "string" ? value : "unknown");
    return {
      pid: typeof lock.pid === "number" ? lock.pid : 0,
      host: words(lock.hostname),
      user: words(lock.username),
      since: words(lock.timestamp),
    };
  } catch {
    return { pid: 0, host: hostname(), user: "unknown", since: "unknown" };
  }
}
