import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../../pipeline/process.js";
import { type Estate, estateOrSkip, shop } from "../support/hosts/estate.js";
import { hostsOrSkip } from "../support/hosts/hosts.js";
import { keyPair } from "../support/hosts/keys.js";
import { typescript } from "../support/typescript.js";

/** What goes wrong with hosts: nothing is lost, and it is said what to do. */
describe("trouble with hosts", function () {
  this.timeout(300_000);
  let estate: Estate;

  before(async function () {
    estate = await estateOrSkip(this, await hostsOrSkip(this), ["staging"]);
    assert.equal(await estate.place("staging").machine.settled(), "done");
  });
  after(() => estate?.stop());

  const machine = () => estate.place("staging").machine;
  /** An update that fails on a stack of its own, before any stage. */
  const refusal = async (stack: string, changes: Parameters<Estate["up"]>[1]) => {
    const { ok, output } = await estate.up("staging", changes, stack);
    assert.ok(!ok, output);
    assert.doesNotMatch(output, /sample|pipeline-preflight/);
    return output;
  };

  it("another host key is refused, and nothing runs there; another client's key is refused by the host", async () => {
    const [other, { privateKey }] = [(await keyPair()).publicKey, await keyPair()];
    const known = estate.connection("staging");
    // Both try for as long as a host may take to boot, so they try side by side.
    const [byHostKey, byClientKey] = await Promise.all([
      refusal("host-key", { connection: { ...known, hostKey: other }, readySeconds: 3 }),
      refusal("client-key", { connection: { ...known, privateKey }, readySeconds: 3 }),
    ]);
    assert.match(byHostKey, /after \d+ failed attempts: .*host key mismatch/);
    assert.match(byClientKey, /after \d+ failed attempts: .*unable to authenticate/);
    assert.equal(await machine().output("ls /var/lib/safe-migration/bundles"), "");
  });

  it("lets in nobody but the pipeline, and nobody by password", async () => {
    const settings = await machine().output("sshd -T");
    for (const line of [
      "permitrootlogin no",
      "passwordauthentication no",
      "kbdinteractiveauthentication no",
      "authenticationmethods publickey",
      "allowusers pipeline",
      "allowtcpforwarding no",
      "hostkey /etc/ssh/ssh_host_ed25519_key",
    ]) {
      assert.ok(settings.split("\n").includes(line), line);
    }
    assert.equal(settings.match(/^hostkey /gm)?.length, 1);
  });

  it("PostgreSQL takes the pipeline by who it is, the application by password only, and nobody from elsewhere", async () => {
    const psql = (prefix: string, more: string) =>
      machine().run(`${prefix} psql -XAt -d ${shop.name} ${more} -c "SELECT current_user"`);
    assert.equal((await psql("sudo -u pipeline", "")).stdout.trim(), "pipeline");
    const refused = await psql("sudo -u application", `-w -U ${shop.owner}`);
    assert.match(refused.stderr, /no password supplied|peer authentication failed/i);
    assert.notEqual((await psql("sudo -u application", "-w -U pipeline")).exitCode, 0);
    const url = await machine().output("sed s/^DATABASE_URL=// /home/application/database.env");
    const application = await machine().run('psql -XAt "$(cat)" -c "SELECT current_user"', { stdin: url });
    assert.equal(application.stdout.trim(), shop.owner);
    const listening = await machine().output("cat /proc/net/tcp /proc/net/tcp6 | awk '$4 == \"0A\" {print $2}'");
    // 5432 is 1538 in hexadecimal: on 127.0.0.1 and ::1 only.
    const addresses = listening.split("\n").filter((address) => address.endsWith(":1538"));
    assert.ok(addresses.length > 0);
    for (const address of addresses) assert.match(address, /^(0100007F|0{24}01000000):1538$/);
  });

  it("run again, user data changes nothing and ends no session; a volume that was unmounted comes back by fstab", async () => {
    const facts = () =>
      machine().output(
        "sudo -u pipeline psql -XAt -d postgres -c 'SELECT pg_postmaster_start_time(), system_identifier FROM pg_control_system()'; cat /home/application/database.env",
      );
    const before = await facts();
    await machine().output("/usr/local/sbin/safe-migration-host");
    assert.equal(await facts(), before);
    await machine().output(
      "systemctl stop postgresql@17-main && umount /srv/data && mount -a && findmnt /srv/data && systemctl start postgresql@17-main",
    );
  });

  it("a full disk is told before anything is copied; with room it works", async () => {
    await machine().output(
      "mount -t tmpfs -o size=4m,uid=$(id -u pipeline),mode=0750 tmpfs /var/lib/safe-migration/bundles",
    );
    const output = await refusal("full", {});
    assert.match(output, /The disk of this host is full: \d+ KiB are free/);
    assert.match(output, /State: nothing was touched/);
    await machine().output("umount /var/lib/safe-migration/bundles");
    const { ok, output: mended } = await estate.up("staging", {}, "full");
    assert.ok(ok, mended);
  });

  it("a data volume that is full refuses the run, and loses nothing", async () => {
    await machine().output(
      "fallocate -l $(( $(df --output=avail -B1 /srv/data | tail -n 1) - 30000000 )) /srv/data/filler",
    );
    await estate.addMigration(
      "20260601000000_big",
      "CREATE TABLE big AS SELECT repeat('x', 1000) AS x FROM generate_series(1, 100000);\n",
    );
    const { ok, output } = await estate.up("staging", {}, "full");
    assert.ok(!ok, output);
    assert.match(output, /No space left on device|disk|space/i);
    await machine().output("rm /srv/data/filler; until pg_isready -q; do sleep 0.2; done");
    await estate.removeMigration("20260601000000_big");
    const again = await estate.up("staging", {}, "full");
    assert.ok(again.ok, again.output);
    assert.equal((again.outputs["health"]?.value as { orders: number }).orders, 1500);
  });

  it("a volume that holds something else is left as it is; the update names the step and shows its log", async () => {
    const volume = await estate.hosts.volume("foreign", 300);
    assert.equal((await run("mkfs.ext4", ["-q", "-O", "^has_journal", volume])).exitCode, 0);
    assert.equal((await run("sh", ["-c", `printf XFSB | dd of=${volume} conv=notrunc status=none`])).exitCode, 0);
    assert.equal((await run("wipefs", ["-a", "-t", "ext4", volume])).exitCode, 0);
    const sum = async () => (await run("sha256sum", [volume])).stdout;
    const before = await sum();
    const { hostKey, clientKey } = estate.place("staging");
    const foreign = await estate.bootMachine(
      "foreign",
      40,
      estate.userData("staging", hostKey, clientKey, volume),
      volume,
    );
    assert.equal(await foreign.settled(), "failed data-volume 1");
    const connection = { ...estate.connection("staging"), host: foreign.address };
    const output = await refusal("foreign", { connection, instance: foreign.id, readySeconds: 30 });
    assert.match(output, /User data failed at step "data-volume" \(exit code 1\)/);
    assert.match(output, /error: .*it was left as it is/);
    assert.match(output, /Next: {2}mend the cause, then run \/usr\/local\/sbin\/safe-migration-host/);
    assert.equal(await sum(), before);
  });

  it("another environment's volume is refused", async () => {
    const { hostKey, clientKey, volume = assert.fail() } = estate.place("staging");
    await estate.hostKeySecret("prod", hostKey);
    await machine().terminate();
    const wrong = await estate.bootMachine("wrong", 42, estate.userData("prod", hostKey, clientKey, volume), volume);
    assert.equal(await wrong.settled(), "failed database 1");
    const log = await wrong.output("cat /var/log/safe-migration/database.log");
    assert.match(log, /is marked as staging, and this host is prod/);
    await wrong.terminate();
  });

  it("a host without a profile does not become reachable, and says why in its log", async () => {
    const { clientKey, volume = assert.fail() } = estate.place("staging");
    const unknown = await keyPair();
    estate.metadata.profile = false;
    const userData = estate.userData("staging", unknown, clientKey, volume);
    const alone = await estate.bootMachine("alone", 44, userData, volume);
    assert.equal(await alone.settled(), "failed ssh 1");
    assert.match(await alone.output("cat /var/log/cloud-init-output.log"), /has no profile/);
    estate.metadata.profile = true;
    // The secret holds the key of another host.
    await alone.run("/usr/local/sbin/safe-migration-host");
    assert.match(await alone.output("cat /var/log/safe-migration/ssh.log"), /does not hold the private half/);
    await alone.terminate();
  });

  it("leaves nothing behind when the tests are killed", async () => {
    const program = `(async () => {
      const hosts = await require("${join(__dirname, "../support/hosts/hosts.ts")}").Hosts.start();
      const volume = await hosts.volume("killed", 64);
      await hosts.boot("killed", { userData: "#!/bin/sh\\n", number: 10, volume });
      process.stdout.write(hosts.folder + "\\n");
      setInterval(() => undefined, 1000);
    })();`;
    const child = spawn(process.execPath, [...typescript, "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    const folder = await new Promise<string>((resolve, reject) => {
      child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString().trim()));
      child.once("exit", () => reject(new Error("it ended")));
    });
    child.kill("SIGKILL");
    while (existsSync(folder)) await sleep(100);
    const name = folder.split("/").pop() ?? "";
    assert.doesNotMatch((await run("ip", ["netns", "list"])).stdout, new RegExp(name));
    assert.doesNotMatch((await run("losetup", ["--list"])).stdout, new RegExp(name));
    assert.doesNotMatch((await run("ps", ["axww"])).stdout, new RegExp(name));
    assert.ok(!(await readdir("/tmp")).includes(name));
  });
});
