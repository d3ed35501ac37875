import assert from "node:assert/strict";
import { chmod, lstat, mkdir, readFile, readdir, readlink, realpath, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PipelineError } from "../../pipeline/errors.js";
import { serverAccount } from "../../pipeline/local/account.js";
import { databaseOf, ensureCluster, type ClusterOptions } from "../../pipeline/local/cluster.js";
import { clusterStatus, removeCluster, stopCluster } from "../../pipeline/local/stop.js";
import { ensureDatabase, localDatabase } from "../../pipeline/local/database.js";
import { portHolder } from "../../pipeline/local/port.js";
import { recordPath } from "../../pipeline/local/record.js";
import { runningServer } from "../../pipeline/local/server.js";
import { silent, type Logger } from "../../pipeline/log.js";
import { withClient } from "../../pipeline/postgres/connection.js";
import { run } from "../../pipeline/process.js";
import { discard, fast, temporaryDirectory } from "../support/postgres.js";
import { typescript } from "../support/typescript.js";

const signal = new AbortController().signal;
const context = { log: silent, signal };
const application = { applicationName: "safe-migration test" };
/** As a user's own cluster is: what was committed must be there after a crash. */
const durable = {};
const isRoot = process.getuid?.() === 0;

function ensure(directory: string, more: Partial<ClusterOptions> = {}) {
  return ensureCluster({ directory, settings: fast, ...context, ...more });
}

function hasCode(code: string) {
  return (error: unknown) => {
    assert.ok(error instanceof PipelineError, String(error));
    assert.equal(error.code, code, error.message);
    assert.ok(error.message !== "" && error.state !== "" && error.next !== "");
    return true;
  };
}

async function holdPort(port: number): Promise<{ close(): Promise<void> }> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
  return { close: () => new Promise<void>((done) => server.close(() => done())) };
}

/** Kills a server the hard way, as a crash of the machine would. */
async function crash(data: string): Promise<void> {
  const server = await runningServer(data);
  assert.ok(server);
  process.kill(server.pid, "SIGKILL");
  while ((await runningServer(data)) !== undefined) await sleep(20);
}

describe("local cluster on a real PostgreSQL", function () {
  this.timeout(120_000);
  let root: string;
  let directory: string;
  let count = 0;

  before(async () => {
    root = await temporaryDirectory();
  });
  beforeEach(() => {
    directory = join(root, `c${++count}`);
  });
  after(() => discard(root));

  const withTable = async (value: number, settings: ClusterOptions["settings"] = fast) => {
    const cluster = await ensure(directory, { settings });
    const database = await ensureDatabase(cluster, { name: "shop", owner: "shop", environment: "local", ...context });
    await withClient(database, { ...application, role: "shop" }, (client) =>
      client.query(`CREATE TABLE kept AS SELECT ${value} AS value`),
    );
    return { cluster, database };
  };
  const keptValue = async () => {
    const database = await localDatabase(directory, { name: "shop", owner: "shop", environment: "local" });
    return withClient(database, application, async (client) => {
      const { rows } = await client.query<{ value: number }>("SELECT value FROM kept");
      return rows[0]?.value;
    });
  };

  it("is made, safe by its settings, and is the same one on the second start", async () => {
    const { cluster } = await withTable(7);
    assert.equal(cluster.was, "made");
    const settings = await withClient(databaseOf(cluster, "postgres"), application, async (client) => {
      const { rows } = await client.query<{ name: string; setting: string }>(
        "SELECT name, setting FROM pg_settings WHERE name IN ('listen_addresses', 'unix_socket_directories', 'data_checksums', 'server_encoding', 'password_encryption') ORDER BY 1",
      );
      return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
    });
    assert.deepEqual(settings, {
      data_checksums: "on",
      listen_addresses: "127.0.0.1",
      password_encryption: "scram-sha-256",
      server_encoding: "UTF8",
      unix_socket_directories: "",
    });
    assert.equal((await stat(cluster.passfile)).mode & 0o777, 0o600);
    const again = await ensure(directory);
    assert.deepEqual({ ...again, was: "made" }, cluster);
    assert.equal(again.was, "running");

    assert.equal(await stopCluster(directory, context), true);
    assert.equal(await stopCluster(directory, context), false);
    assert.equal((await clusterStatus(directory)).state, "stopped");
    const third = await ensure(directory);
    assert.deepEqual({ ...third, was: "made" }, cluster);
    assert.equal(third.was, "started");
    assert.equal(await keptValue(), 7);
  });

  it("runs as a user that is not root, and lets in nobody without the password", async () => {
    const cluster = await ensure(directory);
    const server = await runningServer(cluster.data);
    const { stdout } = await run("ps", ["-o", "uid=", "-p", String(server?.pid)]);
    assert.equal(Number(stdout), (await serverAccount()).uid);
    assert.notEqual(Number(stdout), 0);
    const wrong = join(directory, "wrong");
    await writeFile(wrong, `127.0.0.1:${cluster.port}:*:postgres:guess\n`, { mode: 0o600 });
    const guess = { ...databaseOf(cluster, "postgres"), password: { from: "passfile", path: wrong } } as const;
    await assert.rejects(
      withClient(guess, application, () => Promise.resolve()),
      hasCode("AUTHENTICATION"),
    );
  });

  it("keeps no password in its record, its settings, its logs or the log of the run", async () => {
    const lines: string[] = [];
    const say = (message: string) => void lines.push(message);
    const log: Logger = { debug: say, info: say, warn: say, error: say, progress: say };
    const cluster = await ensure(directory, { log, settings: { ...fast, log_statement: "all" } });
    await ensureDatabase(cluster, { name: "shop", owner: "shop", environment: "local", log, signal });
    const passwords = (await readFile(cluster.passfile, "utf8"))
      .trim()
      .split("\n")
      .map((line) => line.split(":")[4] ?? "");
    assert.equal(passwords.length, 2);
    const texts = await Promise.all(
      [recordPath(directory), cluster.log, join(cluster.data, "safe-migration.conf")].map((path) =>
        readFile(path, "utf8"),
      ),
    );
    assert.ok(texts[1]?.includes("CREATE ROLE"));
    for (const text of [...texts, lines.join("\n")])
      for (const password of passwords) assert.ok(password.length > 20 && !text.includes(password));
    assert.deepEqual(
      (await readdir(directory)).filter((name) => name.includes("password")),
      [],
    );
  });

  it("starts again after a crash with what was committed", async () => {
    const { cluster } = await withTable(9, durable);
    await crash(cluster.data);
    assert.ok((await lstat(join(cluster.data, "postmaster.pid"))).isFile());
    assert.equal((await clusterStatus(directory)).state, "stopped");
    assert.equal((await ensure(directory)).was, "started");
    assert.equal(await keptValue(), 9);
  });

  it("is not kept from starting by a stale postmaster.pid whose number another process has", async () => {
    const { cluster } = await withTable(3);
    await stopCluster(directory, context);
    const account = await serverAccount();
    await writeFile(
      join(cluster.data, "postmaster.pid"),
      `${process.pid}\n${cluster.data}\n1\n${cluster.port}\n\n127.0.0.1\n\nready\n`,
    );
    if (account.other) await run("chown", [String(account.uid), join(cluster.data, "postmaster.pid")]);
    assert.equal((await ensure(directory)).was, "started");
    assert.equal(await keptValue(), 3);
  });

  it("clears a half-made cluster and makes a whole one", async () => {
    await mkdir(join(directory, "data.partial-1", "base"), { recursive: true });
    await writeFile(join(directory, "initdb-password-1"), "x");
    assert.equal((await ensure(directory)).was, "made");
    const left = (await readdir(directory)).filter((name) => /partial|password/.test(name));
    assert.deepEqual(left, []);
  });

  it("goes on where it was killed right before its record was written", async () => {
    const { cluster } = await withTable(5);
    await rm(recordPath(directory));
    const again = await ensure(directory);
    assert.equal(again.systemIdentifier, cluster.systemIdentifier);
    assert.equal(again.port, cluster.port);
  });

  it("refuses a data folder that it did not make, and leaves it as it is", async () => {
    const cluster = await ensure(directory);
    await stopCluster(directory, context);
    const foreign = join(root, "foreign");
    await mkdir(foreign);
    await run("cp", ["-a", cluster.data, join(foreign, "data")]);
    await rm(join(foreign, "data", "safe-migration.mark"));
    const before = (await run("ls", ["-lR", join(foreign, "data")])).stdout;
    await assert.rejects(ensure(foreign), hasCode("FOREIGN_CLUSTER"));
    await assert.rejects(stopCluster(foreign, context), hasCode("FOREIGN_CLUSTER"));
    await assert.rejects(removeCluster(foreign, context), hasCode("FOREIGN_CLUSTER"));
    assert.equal((await run("ls", ["-lR", join(foreign, "data")])).stdout, before);
  });

  it("does not make a new cluster in the place of one that is gone", async () => {
    const cluster = await ensure(directory);
    await stopCluster(directory, context);
    await rm(cluster.data, { recursive: true });
    await assert.rejects(ensure(directory), hasCode("CLUSTER_GONE"));
    assert.deepEqual(
      (await readdir(directory)).filter((name) => name.startsWith("data")),
      [],
    );
  });

  it("refuses data of another major version", async () => {
    const cluster = await ensure(directory);
    await stopCluster(directory, context);
    await writeFile(join(cluster.data, "PG_VERSION"), "12\n");
    await assert.rejects(ensure(directory), hasCode("MAJOR_VERSION"));
  });

  it("takes another port where its own is taken, and keeps that one", async () => {
    const { cluster } = await withTable(4);
    await stopCluster(directory, context);
    const other = await holdPort(cluster.port);
    try {
      const moved = await ensure(directory);
      assert.notEqual(moved.port, cluster.port);
      assert.equal(await keptValue(), 4);
    } finally {
      await other.close();
    }
    await stopCluster(directory, context);
    assert.notEqual((await ensure(directory)).port, cluster.port);
  });

  it("names who holds a configured port, and moves to a configured port that is free", async () => {
    const cluster = await ensure(directory);
    const wanted = await freeOne();
    const other = await holdPort(wanted);
    try {
      await assert.rejects(ensure(directory, { port: wanted }), (error) => {
        if ((process.platform as string) === "linux")
          assert.match(String(error), new RegExp(`process ${process.pid} `));
        return hasCode("PORT_IN_USE")(error);
      });
      assert.equal((await clusterStatus(directory)).state, "running");
      await assert.rejects(ensure(join(root, "unmade"), { port: wanted }), hasCode("PORT_IN_USE"));
    } finally {
      await other.close();
    }
    const moved = await ensure(directory, { port: wanted });
    assert.equal(moved.port, wanted);
    assert.equal(moved.systemIdentifier, cluster.systemIdentifier);
    assert.notEqual(await portHolder(wanted), undefined);
  });

  it("is one cluster when two processes start it at once", async () => {
    const [one, two] = await Promise.all([inProcess(directory), inProcess(directory)]);
    assert.equal(one.systemIdentifier, two.systemIdentifier);
    assert.equal(one.port, two.port);
    assert.deepEqual([one.was, two.was].sort(), ["made", "running"]);
  });

  it("survives the process that started it, and keeps none of its pipes open", async () => {
    // `run` ends when the pipes are closed: a server that held one would keep it waiting.
    const { port } = await inProcess(directory);
    const status = await clusterStatus(directory);
    assert.ok(status.state === "running" && status.port === port);
  });

  it("runs as the user who runs the tool, where that is not root", async function () {
    if (!isRoot) return this.skip();
    const { uid, gid } = { uid: 65_534, gid: 65_534 };
    await mkdir(directory);
    await run("chown", [`${uid}:${gid}`, directory]);
    const made = await inProcess(directory, { uid, gid });
    assert.equal((await stat(made.data)).uid, uid);
    // Root would run the server as another user, who cannot open that one's data.
    await assert.rejects(ensure(directory), hasCode("OTHER_ACCOUNT"));
  });

  it("keeps its data where the server's user may enter, when that user may not enter the checkout", async function () {
    if (!isRoot) return this.skip();
    const closed = join(root, "closed");
    await mkdir(closed, { mode: 0o700 });
    await chmod(closed, 0o700);
    directory = join(closed, "cluster");
    const { cluster } = await withTable(6, durable);
    assert.ok((await lstat(join(directory, "data"))).isSymbolicLink());
    assert.match(cluster.data, /^\/var\/lib\/safe-migration\/[0-9a-f]{16}\/data$/);
    await crash(cluster.data);
    await ensure(directory);
    assert.equal(await keptValue(), 6);

    // The checkout goes while the server runs, and a new one comes at the same path.
    await run("rm", ["-rf", directory]);
    const fresh = await ensure(directory);
    assert.equal(fresh.was, "made");
    assert.notEqual(fresh.systemIdentifier, cluster.systemIdentifier);
    const home = resolve(await realpath(join(directory, "data")), "..");
    const aside = (await readdir(resolve(home, ".."))).filter((name) =>
      name.startsWith(`${home.split("/").at(-1)}.set-aside`),
    );
    assert.equal(aside.length, 1);
    assert.equal(await readlink(join(directory, "data")), join(home, "data"));
    await rm(resolve(home, "..", aside[0] ?? "none"), { recursive: true });
    await removeCluster(directory, context);
    await assert.rejects(stat(home), { code: "ENOENT" });
  });

  it("does not make a database anew that was there and is gone", async () => {
    const { cluster } = await withTable(1);
    await withClient(databaseOf(cluster, "postgres"), application, (client) => client.query("DROP DATABASE shop"));
    const options = { name: "shop", owner: "shop", environment: "local", ...context };
    await assert.rejects(ensureDatabase(cluster, options), (error) => {
      assert.match(error instanceof PipelineError ? error.next : "", /npm run db:restore/);
      return hasCode("DATABASE_GONE")(error);
    });
  });

  it("gives the owner its database and nothing more, and marks the environment", async () => {
    const { database } = await withTable(2);
    const owner = { ...database, user: "shop" };
    const seen = await withClient(owner, application, async (client) => {
      const { rows } = await client.query<{ mark: string; super: boolean; createdb: boolean; owner: string }>(
        `SELECT current_setting('safe_migration.environment') AS mark, rolsuper AS super, rolcreatedb AS createdb,
                (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()) AS owner
           FROM pg_roles WHERE rolname = current_user`,
      );
      return rows[0];
    });
    assert.deepEqual(seen, { mark: "local", super: false, createdb: false, owner: "shop" });
    await assert.rejects(
      localDatabase(directory, { name: "shop", owner: "shop", environment: "dev" }),
      hasCode("WRONG_ENVIRONMENT"),
    );
    await assert.rejects(
      localDatabase(directory, { name: "other", owner: "shop", environment: "local" }),
      hasCode("NO_LOCAL_DATABASE"),
    );
  });

  it("is removed whole when it is told to, and can be made again", async () => {
    const cluster = await ensure(directory);
    await removeCluster(directory, context);
    assert.deepEqual(await readdir(directory), []);
    assert.equal((await clusterStatus(directory)).state, "absent");
    assert.notEqual((await ensure(directory)).systemIdentifier, cluster.systemIdentifier);
  });

  it("says what to do where there are no programs", async () => {
    await assert.rejects(ensure(directory, { binaries: root }), hasCode("NO_BINARIES"));
  });
});

async function freeOne(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => done(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

interface Started {
  readonly systemIdentifier: string;
  readonly port: number;
  readonly was: string;
  readonly data: string;
}

/** Starts the cluster in a process of its own, as a Command does. */
async function inProcess(directory: string, ids: { uid?: number; gid?: number } = {}): Promise<Started> {
  const module = resolve(__dirname, "../../pipeline/local/cluster.ts");
  const code = `
    const { ensureCluster } = require(${JSON.stringify(module)});
    const log = Object.fromEntries(["debug", "info", "warn", "error", "progress"].map((name) => [name, () => undefined]));
    const settings = ${JSON.stringify(fast)};
    ensureCluster({ directory: ${JSON.stringify(directory)}, log, settings, signal: new AbortController().signal }).then(
      (cluster) => console.log(JSON.stringify(cluster)),
      (error) => { console.error(error); process.exitCode = 1; },
    );`;
  const { exitCode, stdout, stderr } = await run(process.execPath, [...typescript, "-e", code], {
    cwd: "/",
    ...ids,
  });
  assert.equal(exitCode, 0, stderr);
  return JSON.parse(stdout) as Started;
}
