import { spawn } from "node:child_process";
import { chmod, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "../../pipeline/contracts.js";
import { databaseOf, ensureCluster, type LocalCluster } from "../../pipeline/local/cluster.js";
import { createDatabase, ensureRole } from "../../pipeline/local/role.js";
import { silent } from "../../pipeline/log.js";
import { maintenanceDatabase, withClient } from "../../pipeline/postgres/connection.js";

/** One PostgreSQL cluster for a mocha run, made by the tool's own code; each test file makes a database of its own in it. */
export interface TestCluster {
  readonly cluster: LocalCluster;
  /** A database of the cluster, whether it is there or not. */
  database(name: string): Database;
  /** Makes a database; one of that name that is there is dropped first. `owner`: a role, made if need be, that migrations run as. */
  create(name: string, options?: { template?: string; owner?: string }): Promise<Database>;
  /** Drops a database with its sessions; none there is no error. */
  drop(name: string): Promise<void>;
  /** Drops those whose names begin so: a database, and what was restored beside it. */
  dropLike(prefix: string): Promise<void>;
}

/** Safe only for data that may be lost at any time. */
export const fast = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  max_connections: "200",
  max_prepared_transactions: "5",
  max_wal_size: "4GB",
  checkpoint_timeout: "30min",
} as const;

const prefix = "safe-migration-test-";
const application = { database: maintenanceDatabase, applicationName: "safe-migration test" };

/** Kept globally: mocha may load this module twice, once for the root hook and once for the tests. */
const key = Symbol.for("safe-migration.test-cluster");
const shared = globalThis as { [key]?: Promise<TestCluster> };

export function testCluster(): Promise<TestCluster> {
  return (shared[key] ??= start());
}

/** Stops and removes the cluster of this run, if one was started. */
export async function stopTestCluster(): Promise<void> {
  const running = await shared[key]?.catch(() => undefined);
  delete shared[key];
  if (running !== undefined) await discard(running.cluster.directory);
}

/**
 * A folder outside the checkout for the clusters of a test, which are stopped and removed when this process ends,
 * however it ends; `discard` does so before.
 */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
  // The server's account, which is another one where the tests run as root, must be able to enter.
  await chmod(directory, 0o755);
  watch(directory);
  return directory;
}

/** Ends the servers on data folders below a temporary directory, without a checkpoint, and removes it. */
export async function discard(directory: string): Promise<void> {
  await finished(spawn("/bin/sh", ["-c", `${clear}\nclear "$1"`, "sh", directory], { stdio: "ignore", cwd: "/" }));
  await rm(directory, { recursive: true, force: true });
}

async function start(): Promise<TestCluster> {
  await removeStale();
  const directory = await temporaryDirectory();
  const cluster = await ensureCluster({ directory, settings: fast, log: silent, signal: new AbortController().signal });
  const database = (name: string) => databaseOf(cluster, name);
  const maintenance = database(maintenanceDatabase);
  const drop = (name: string) =>
    withClient(maintenance, application, async (client) => {
      await client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`);
    });
  return {
    cluster,
    database,
    drop,
    async dropLike(prefix) {
      const names = await withClient(maintenance, application, (client) =>
        client.query<{ datname: string }>("SELECT datname FROM pg_database WHERE starts_with(datname, $1)", [prefix]),
      );
      for (const { datname } of names.rows) await drop(datname);
    },
    async create(name, options = {}) {
      await drop(name);
      await withClient(maintenance, application, async (client) => {
        if (options.owner !== undefined) await ensureRole(client, cluster, options.owner);
        await createDatabase(client, name, options);
      });
      return databaseOf(cluster, name, options.owner);
    },
  };
}

/** `QUIT` ends a server at once; the data is thrown away anyway. */
const clear = `clear() {
  pids=""
  for file in "$1"/data/postmaster.pid "$1"/*/data/postmaster.pid "$1"/*/*/data/postmaster.pid; do
    [ -f "$file" ] || continue
    pid=$(head -n 1 "$file")
    kill -QUIT "$pid" 2>/dev/null && pids="$pids $pid"
  done
  for pid in $pids; do
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
  done
  for link in "$1"/data "$1"/*/data "$1"/*/*/data; do
    [ -L "$link" ] || continue
    home=$(dirname "$(readlink "$link")")
    case "$home" in /var/lib/safe-migration/*) rm -rf "$home" ;; esac
  done
  rm -rf "$1"
}`;

/** A process that outlives this one, for when this one is killed and no hook runs. */
function watch(directory: string): void {
  const script = `${clear}\nwhile kill -0 "$2" 2>/dev/null && [ -d "$1" ]; do sleep 0.5; done\n[ -d "$1" ] && clear "$1"`;
  const args = ["-c", script, "sh", directory, String(process.pid)];
  spawn("/bin/sh", args, { stdio: "ignore", cwd: "/", detached: true }).unref();
}

/** What runs left whose watching process was killed too, e.g. by a restart of the machine. */
async function removeStale(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !(await isAlive(Number(pid)))) await discard(join(tmpdir(), name));
  }
}

async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
    // A process that has ended and that its parent has not asked about is not alive.
    const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    return !/\) Z /.test(status);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function finished(child: ReturnType<typeof spawn>): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve());
  });
}
