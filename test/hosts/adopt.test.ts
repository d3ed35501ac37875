import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse, stringify } from "yaml";
import { run } from "../../pipeline/process.js";
import { schemaEngineProgram } from "../../tools/prisma/environment.js";
import { AdoptPage } from "../support/adoptPage.js";
import { type AwsStandIn, installAwsStandIn } from "../support/aws/standIn.js";
import { Checkout } from "../support/checkout.js";
import { type Estate, estateOrSkip } from "../support/hosts/estate.js";
import { hostsOrSkip, type TestHost } from "../support/hosts/hosts.js";
import { keyPair } from "../support/hosts/keys.js";
import { inSteps } from "../support/inSteps.js";

const root = resolve(__dirname, "../..");
const library = join(root, "test/support/prismaProjects/library");
const stack = "shop";
const all = (result: { stdout: string; stderr: string }) => `${result.stdout}\n${result.stderr}`;

/**
 * docs/adopt.md as it stands, where the database is on a host that this project did not set up, and that is reached by SSH alone: a Debian 13
 * as it is installed, whose owner made the database by hand. Backups go to S3's API by the profile of the instance; AWS's control
 * plane is a stand-in. Each step stands on the one before.
 */
describe("docs/adopt.md, on a host that is there already", function () {
  this.timeout(300_000);
  inSteps(this);
  let page: AdoptPage;
  let estate: Estate;
  let machine: TestHost;
  let standIn: AwsStandIn;
  let checkout: Checkout;
  let folder: string;
  let app: string;
  let env: Record<string, string>;

  before(async function () {
    page = await AdoptPage.read();
    estate = await estateOrSkip(this, await hostsOrSkip(this), []);
    const { hosts, metadata, moto } = estate;
    const environment = { AWS_ENDPOINT_URL: moto.endpoint };
    machine = await hosts.boot(stack, { userData: "#!/bin/sh\n", number: 60, metadata: metadata.url, environment });
    standIn = await installAwsStandIn(moto);
    checkout = await Checkout.make("config: {}\n");
    folder = await mkdtemp(join(tmpdir(), "adopted-"));
    app = join(folder, "shop");
    await cp(library, app, { recursive: true });
    await symlink(join(root, "node_modules"), join(app, "node_modules"));
    await mkdir(join(folder, "state"));
    env = {
      ...standIn.env,
      PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "of the test",
      PULUMI_CONFIG_PASSPHRASE_FILE: "",
      SSH_AUTH_SOCK: "",
    };
  });
  after(async () => {
    await estate?.stop();
    await standIn?.remove();
    await checkout?.remove();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  const must = async (command: string, stdin = "") => {
    const result = await machine.run(command, { stdin });
    assert.equal(result.exitCode, 0, all(result));
    return result.stdout.trim();
  };
  const query = (sql: string, name = "library") =>
    must(`cd /; sudo -u postgres psql -XAtq -v ON_ERROR_STOP=1 -d ${name}`, sql);
  const rows = "SELECT count(*), (SELECT count(*) FROM readers) FROM loans";
  const npm = (script: string, ...args: string[]) => checkout.npm(script, args, { env });
  /** A command of the page that begins with `npm run`. */
  const typed = (command: string) => {
    const [script = "", ...args] = command
      .replace(/#.*/, "")
      .trim()
      .replace(/^npm run /, "")
      .split(/ +/);
    return npm(script, ...args.filter((word) => word !== "--"));
  };

  it("1. the stack is named, by what the page has", async () => {
    // What its owner has: a server, a database made by hand, an administrator that is no superuser.
    await must("systemctl is-system-running --wait >/dev/null; pg_createcluster 17 main --start");
    const roles = `CREATE ROLE library_owner; CREATE ROLE library_admin LOGIN CREATEDB PASSWORD 'of the admin' IN ROLE library_owner;
      CREATE DATABASE library OWNER library_owner;`;
    await query(roles.replaceAll(";", ";\n"), "postgres");
    await query(`SET ROLE library_owner;\n${await readFile(join(library, "by-hand.sql"), "utf8")}`);
    const [named = ""] = page.blocks(1, "yaml", 1);
    const [reached = ""] = page.blocks(2, "yaml", 1);
    const { config } = parse(named) as { config: Record<string, Record<string, unknown>> };
    const there = parse(reached) as Record<string, Record<string, unknown>>;
    const database = { ...config["safe-migration:database"] };
    delete database["tls"];
    Object.assign(database, { host: "127.0.0.1", name: "library", user: "library_admin", owner: "library_owner" });
    Object.assign(database, { password: { from: "passfile", path: "/home/pipeline/.pgpass" } });
    const hostKey = await must("cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub");
    Object.assign(there["safe-migration:connection"] ?? {}, { host: machine.address, hostKey });
    const prisma = join(app, "prisma");
    const project = { schema: join(prisma, "schema.prisma"), migrations: join(prisma, "migrations"), checks: "" };
    const settings = { ...config, ...there, "safe-migration:database": database, "safe-migration:project": project };
    await writeFile(checkout.path(`Pulumi.${stack}.yaml`), stringify({ config: settings }));
    await mkdir(project.migrations);
  });

  it("2. an account of the host is made and let in by the stack's key; the update is refused before anything is touched", async () => {
    const [there = "", here = ""] = page.blocks(2, "bash", 2);
    // The packages are on it; it has no network to fetch any from.
    await must(`set -e\n${there.replace(/^apt-get install --yes (.*)$/m, "dpkg --status $1 >/dev/null")}`);
    const [init = "", keys = ""] = here.trim().split("\n");
    const made = await checkout.pulumi(init.replace("pulumi ", "").split(" "), env);
    assert.equal(made.exitCode, 0, all(made));
    const pair = await typed(keys);
    assert.equal(pair.exitCode, 0, all(pair));
    const publicKey = /^client key +(ssh-ed25519 .*)$/m.exec(pair.stdout)?.[1] ?? assert.fail(all(pair));
    await must("cat >/home/pipeline/.ssh/authorized_keys", `${publicKey}\n`);
    await must(
      "umask 077 && cat >/home/pipeline/.pgpass && chown pipeline /home/pipeline/.pgpass",
      "127.0.0.1:5432:*:library_admin:of the admin\n",
    );
    const refused = await npm("up", "--stack", stack);
    assert.notEqual(refused.exitCode, 0);
    assert.match(
      all(refused),
      /has no history of migrations, and holds what none of them has made:[^]*Copies[^]*\(docs\/adopt\.md, 3\)/,
    );
    assert.equal(await query(rows), "300|200");
  });

  it("3. its first migration is made of what is there, through a tunnel, and recorded as applied there", async () => {
    const [local = "", recorded = ""] = page.blocks(3, "bash", 2);
    const tunnelled = local.split("\n").filter((line) => !line.includes("migrate resolve"));
    const own = await keyPair("of a person");
    await must("cat >>/home/pipeline/.ssh/authorized_keys", `${own.publicKey}\n`);
    await throughTunnel(machine.address, own.privateKey, folder, async (port) => {
      const url = `postgresql://library_admin:${encodeURIComponent("of the admin")}@127.0.0.1:${port}/library`;
      const offline = { PRISMA_SCHEMA_ENGINE_BINARY: schemaEngineProgram, CHECKPOINT_DISABLE: "1" };
      const commands = ["-euc", tunnelled.join("\n")];
      const made = await run("bash", commands, { cwd: app, env: { DATABASE_URL: url, ...offline } });
      assert.equal(made.exitCode, 0, all(made));
    });
    assert.match(await readFile(join(app, "prisma/migrations/0_init/migration.sql"), "utf8"), /CREATE TABLE "readers"/);
    const resolved = await typed(recorded);
    assert.equal(resolved.exitCode, 0, all(resolved));
    assert.equal(await query("SELECT migration_name FROM _prisma_migrations"), "0_init");
  });

  it("4. the first proved backup, and with it the next migration, as the owner; what is lost afterwards is restored", async () => {
    const email = join(app, "prisma/migrations/20260601000000_email");
    await mkdir(email);
    await writeFile(join(email, "migration.sql"), 'CREATE TABLE "fines" ("id" SERIAL PRIMARY KEY);\n');
    const [update = ""] = page.blocks(4, "bash", 1);
    const up = await typed(update);
    assert.equal(up.exitCode, 0, all(up));
    assert.match(all(up), /proved: the backup restores to the same 80\d rows/);
    assert.equal(await query("SELECT tableowner FROM pg_tables WHERE tablename = 'fines'"), "library_owner");
    await query("DELETE FROM loans");
    const restored = await npm("db:restore", "--environment", stack, "--yes", stack);
    assert.equal(restored.exitCode, 0, all(restored));
    assert.equal(await query(rows), "300|200");
  });
});

/** As `ssh -N -L PORT:127.0.0.1:5432`, while the work lasts. */
async function throughTunnel(
  host: string,
  privateKey: string,
  folder: string,
  work: (port: number) => Promise<void>,
): Promise<void> {
  const key = join(folder, "key");
  await writeFile(key, privateKey, { mode: 0o600 });
  const port = await freePort();
  const known = [
    "-o",
    `UserKnownHostsFile=${join(folder, "known_hosts")}`,
    "-o",
    "StrictHostKeyChecking=accept-new",
    "-q",
  ];
  const args = ["-N", "-i", key, ...known, "-L", `${port}:127.0.0.1:5432`, `pipeline@${host}`];
  const tunnel = spawn("ssh", args, { stdio: ["ignore", "ignore", "inherit"] });
  try {
    while (!(await answers(port))) {
      assert.equal(tunnel.exitCode, null, "ssh has ended");
      await sleep(50);
    }
    await work(port);
  } finally {
    tunnel.kill();
  }
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => done(true)).on("error", () => done(false));
    socket.on("connect", () => socket.destroy());
  });
}
