import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Database } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { clientConfig, maintenanceDatabase } from "../postgres/connection.js";

/**
 * What it is for: to be `read` once, or to be worked on as the original is, in about the time that it takes there. The cache is small for
 * both, since the original has its own in the same memory: what is read from disk takes longer than there, not shorter.
 */
export type Purpose = "read" | "work";

export interface BesideOptions {
  /** Only its owner can enter it; the server's data is in `data`. */
  readonly folder: string;
  /** Path of `postgres`, of the data's version. */
  readonly program: string;
  /** The data's version. */
  readonly major: number;
  /** What it must have as the original has it, e.g. `max_connections`. */
  readonly settings: Readonly<Record<string, string>>;
  /** @default "read" */
  readonly purpose?: Purpose;
  readonly signal: AbortSignal;
}

/** How often it is asked whether the recovery is done, in milliseconds. */
const askEveryMs = 200;

/**
 * A second PostgreSQL on this machine, on files that were restored beside: reached by a Unix socket that its owner alone can enter,
 * by no port. It archives nothing, replicates nothing and starts no job: nothing of it acts on the world outside. It ends with
 * this process, however that ends.
 */
export class BesideServer {
  private constructor(
    /** Its maintenance database. */
    readonly database: Database,
    private readonly child: ChildProcess,
    private readonly ended: Promise<void>,
  ) {}

  /**
   * Starts it, and waits until it has recovered and takes connections.
   *
   * @param user the role to connect as
   * @throws PipelineError with the server's own words where it does not come so far.
   */
  static async start(
    user: string,
    { folder, program, major, settings, purpose = "read", signal }: BesideOptions,
  ): Promise<BesideServer> {
    const at = (name: string) => join(folder, name);
    await mkdir(at("socket"), { mode: 0o700 });
    await writeFile(at("postgresql.conf"), "");
    await writeFile(at("pg_ident.conf"), "");
    await writeFile(at("pg_hba.conf"), "local all all trust\n", { mode: 0o600 });
    // On the command line: these win over what ALTER SYSTEM left in the data.
    const given = Object.entries({
      ...(purpose === "read" ? hasty : {}),
      ...settings,
      ...own,
      ...(major >= withoutTriggers.since ? withoutTriggers.settings : {}),
      ...placesIn(folder),
    });
    const args = ["-D", at("data"), ...given.flatMap(([name, value]) => ["-c", `${name}=${value}`])];
    const child = spawn("setpriv", ["--pdeathsig", "QUIT", "--", program, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: "/",
      env: { PATH: process.env["PATH"], LC_ALL: "C.UTF-8", HOME: process.env["HOME"] },
    });
    const said: string[] = [];
    // What restore_command says is on standard output.
    for (const input of [child.stdout, child.stderr])
      createInterface({ input }).on("line", (line) => {
        said.push(line);
        if (said.length > 200) said.shift();
      });
    let over = false;
    const ended = new Promise<void>((resolve) => {
      const end = () => {
        over = true;
        resolve();
      };
      child.once("close", end);
      child.once("error", (error) => {
        said.push(error.message);
        end();
      });
    });
    const database: Database = {
      host: at("socket"),
      port: 5432,
      name: maintenanceDatabase,
      user,
      password: { from: "none" },
    };
    const server = new BesideServer(database, child, ended);
    try {
      while (!(await takesConnections(database))) {
        signal.throwIfAborted();
        if (over) throw notRecovered(said);
        await sleep(askEveryMs);
      }
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Ends it at once; its data is not needed any more. */
  async stop(): Promise<void> {
    this.child.kill("SIGQUIT");
    await this.ended;
  }
}

/** Without durability, which nobody needs of what is read once. */
const hasty = { fsync: "off", full_page_writes: "off", max_wal_size: "256MB" } as const;

/** Small, and without anything that acts by itself or waits for others. */
const own = {
  listen_addresses: "",
  ssl: "off",
  shared_buffers: "128MB",
  huge_pages: "off",
  autovacuum: "off",
  logging_collector: "off",
  log_destination: "stderr",
  log_min_messages: "warning",
  log_min_error_statement: "panic",
  lc_messages: "C",
  // Not asked to serve while it recovers, it need not have the original's limits.
  hot_standby: "off",
  archive_mode: "off",
  synchronous_standby_names: "",
  max_wal_senders: "0",
  max_logical_replication_workers: "0",
  shared_preload_libraries: "",
  session_preload_libraries: "",
} as const;

/** Event triggers that act when somebody connects, and the setting that keeps them from it, came with version 17. */
const withoutTriggers = { since: 17, settings: { event_triggers: "off" } } as const;

function placesIn(folder: string): Record<string, string> {
  const at = (name: string) => join(folder, name);
  return {
    config_file: at("postgresql.conf"),
    hba_file: at("pg_hba.conf"),
    ident_file: at("pg_ident.conf"),
    unix_socket_directories: at("socket"),
    external_pid_file: "",
    port: "5432",
  };
}

async function takesConnections(database: Database): Promise<boolean> {
  const client = new pg.Client(await clientConfig(database, { applicationName: "safe-migration recovery" }));
  client.on("error", () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ done: boolean }>("SELECT NOT pg_is_in_recovery() AS done");
    return rows[0]?.done === true;
  } catch {
    // Not yet; where it never will, the process has ended, which is looked at.
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function notRecovered(said: readonly string[]): PipelineError {
  // Whoever asks too early is told so, which is no failure.
  const words = said.filter((line) => /(FATAL|PANIC|ERROR|HINT):/.test(line) && !/the database system is /.test(line));
  return new PipelineError({
    code: "RECOVERY_FAILED",
    kind: "failedUnchanged",
    message: `The server did not recover beside: ${(words.length > 0 ? words : said).slice(-5).join(" ")}`,
    state: "The database is as it was; what was recovered beside it is removed.",
    next: "Take another moment, or restore a backup (npm run db:restore -- --list).",
  });
}
