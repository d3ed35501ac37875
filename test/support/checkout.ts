import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { type RunOptions, type RunResult, run } from "../../pipeline/process.js";

const root = resolve(__dirname, "../..");

/** A checkout of its own, as a user would have it, driven through npm's entry point and nothing else. */
export class Checkout {
  private constructor(readonly folder: string) {}

  /** Copies what git knows and what is new; packages are those of this checkout. */
  static async make(stackConfig: string): Promise<Checkout> {
    const folder = await mkdtemp(join(tmpdir(), "checkout-"));
    const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root })
      .toString()
      .split("\n")
      .filter((file) => file !== "" && !/^(test|bench|docs)\//.test(file));
    for (const file of files) await cp(join(root, file), join(folder, file), { errorOnExist: false });
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    await writeFile(join(folder, "Pulumi.local.yaml"), stackConfig);
    return new Checkout(folder);
  }

  /** Runs an npm script as `npm run NAME -- ARGS` does. */
  npm(script: string, args: readonly string[] = [], options: RunOptions = {}): Promise<RunResult> {
    return run(process.execPath, ["tools/npm.mjs", script, ...args], {
      cwd: this.folder,
      ...options,
      env: { NODE_ENV: "", ...options.env },
    });
  }

  /** What starts a TypeScript file of the checkout, beside the arguments. */
  program(file: string): { readonly command: string; readonly args: readonly string[]; readonly cwd: string } {
    return {
      command: process.execPath,
      args: ["--require", this.path("tools/loader.cjs"), this.path(file)],
      cwd: this.folder,
    };
  }

  /** Pulumi's own CLI in the checkout. */
  pulumi(args: readonly string[], env: Readonly<Record<string, string>>): Promise<RunResult> {
    return run("pulumi", args, { cwd: this.folder, env });
  }

  async outputs(): Promise<Record<string, unknown>> {
    const { stdout } = await this.npm("outputs", ["--stack", "local"]);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** Adds a migration by hand. */
  async addMigration(name: string, sql: string): Promise<void> {
    await mkdir(this.path("prisma/migrations", name), { recursive: true });
    await writeFile(this.path("prisma/migrations", name, "migration.sql"), sql);
  }

  /** A connection as the superuser of the stack's cluster. */
  async connect(database = "happy_baby_style"): Promise<pg.Client> {
    const { port } = JSON.parse(readFileSync(this.path(".local/cluster/cluster.json"), "utf8")) as { port: number };
    const client = new pg.Client({ host: "127.0.0.1", port, user: "postgres", password: this.password(), database });
    client.on("error", () => undefined);
    await client.connect();
    return client;
  }

  /** One query's rows. */
  async rows<Row extends pg.QueryResultRow>(sql: string, database?: string): Promise<Row[]> {
    const client = await this.connect(database);
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** Kills the server as a crash of the machine would. */
  async killServer(): Promise<void> {
    const pid = Number(readFileSync(this.path(".local/cluster/data/postmaster.pid"), "utf8").split("\n")[0]);
    process.kill(pid, "SIGKILL");
    while (isAlive(pid)) await sleep(20);
  }

  /** Passwords of all roles, to look for where they must not be. */
  passwords(): string[] {
    const text = readFileSync(this.path(".local/cluster/pgpass"), "utf8");
    return text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => line.split(":")[4] ?? "");
  }

  private password(): string {
    const line = readFileSync(this.path(".local/cluster/pgpass"), "utf8")
      .split("\n")
      .find((text) => text.includes(":postgres:"));
    return line?.split(":")[4] ?? "";
  }

  /** Destroys its local stack, where it has one, and removes the checkout. */
  async remove(): Promise<void> {
    if (existsSync(this.path(".local/cluster"))) await this.npm("destroy", ["--stack", "local", "--purge"]);
    await rm(this.folder, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
