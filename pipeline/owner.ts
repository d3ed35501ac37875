import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { z } from "zod";
import { parseJson } from "./json.js";

/** Who is writing something: a process, known also after its number has been given to another one. */
const ownerSchema = z.strictObject({
  host: z.string(),
  pid: z.int().min(1),
  /** When the process started, in clock ticks since the machine did; absent where the system does not tell. */
  started: z.string().optional(),
  /** When it began to write. */
  since: z.iso.datetime(),
  /** Tells two writings of one process apart. */
  token: z.string().optional(),
});
export type Owner = z.infer<typeof ownerSchema>;

/** How long something written from another machine, whose processes cannot be asked for, is taken for alive. */
const foreignHours = 48;

export async function currentOwner(): Promise<Owner> {
  const started = await startOf(process.pid);
  return {
    host: hostname(),
    pid: process.pid,
    ...(started === undefined ? {} : { started }),
    since: new Date().toISOString(),
  };
}

/** Whether what an owner's file says is a process that is alive; a text that says none is nobody. */
export async function isHeld(text: string | undefined): Promise<boolean> {
  const owner = ownerSchema.safeParse(parseJson(text));
  return owner.success && (await isAlive(owner.data));
}

/** Whether there is a process of this number; EPERM: it is there, and somebody else's. */
export function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

export async function isAlive(owner: Owner): Promise<boolean> {
  if (owner.host !== hostname()) return Date.now() - Date.parse(owner.since) < foreignHours * 3_600_000;
  if (!isThere(owner.pid)) return false;
  const started = await startOf(owner.pid);
  return owner.started === undefined || started === undefined || started === owner.started;
}

/** Field 22 of `/proc/PID/stat`, counted behind the name, which may hold anything (proc(5)). */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}
