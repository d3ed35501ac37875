import assert from "node:assert/strict";
import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { recoverResult, refreshResult, verdictResult } from "../../pipeline/contracts.js";
import { readTried } from "../../pipeline/recovery/tried.js";
import { openStore } from "../../pipeline/store/open.js";
import { run } from "../../pipeline/process.js";
import { readStackFile } from "../../tools/stack/stackFile.js";
import { backupOfProd } from "../support/backupOfProd.js";
import { hostDatabase } from "../../components/userData/hostUserData.js";
import { hostPaths } from "../../config/hostPaths.js";
import type { MeasureRequest } from "../../pipeline/contracts.js";
import { Checkout } from "../support/checkout.js";
import { type Estate, estateOrSkip, shop } from "../support/hosts/estate.js";
import { hostsOrSkip, type TestHost } from "../support/hosts/hosts.js";
import { inSteps } from "../support/inSteps.js";
import { withEnvironment } from "../support/moto.js";
import { tooLargeToDump } from "./tooLargeToDump.js";

const shippedProject = {
  schema: resolve(__dirname, "../../prisma/schema.prisma"),
  migrations: resolve(__dirname, "../../prisma/migrations"),
};

const all = (result: { stdout: string; stderr: string }) => `${result.stdout}\n${result.stderr}`;

/** The plan's commands for an environment on a host, as people type them: keys, host, update, and then stages by hand there. */
describe("commands for staging, which is on a host", function () {
  this.timeout(300_000);
  inSteps(this);
  let estate: Estate;
  let checkout: Checkout | undefined;
  let machine: TestHost;
  let env: Record<string, string>;

  before(async function () {
    estate = await estateOrSkip(this, await hostsOrSkip(this), []);
    checkout = await Checkout.make("config: {}\n");
    await mkdir(checkout.path("state"));
    env = {
      PULUMI_BACKEND_URL: `file://${checkout.path("state")}`,
      PULUMI_CONFIG_PASSPHRASE: "of the test",
      PULUMI_CONFIG_PASSPHRASE_FILE: "",
      SSH_AUTH_SOCK: "",
    };
  });
  after(async () => {
    await estate?.stop();
    await checkout?.remove();
  });

  const place = () => checkout ?? assert.fail();
  const npm = (script: string, args: string[] = [], more = {}) =>
    place().npm(script, args, { env: { ...env, ...more } });
  /** Puts sections into the stack's file, beside those that are there. */
  const configure = async (sections: object) => {
    const path = place().path("Pulumi.staging.yaml");
    const { config = {}, ...more } = readStackFile(path);
    await writeFile(path, stringify({ ...more, config: { ...config, ...sections } }));
  };
  const staging = { NODE_ENV: "staging" };
  const script = (name: string, ...args: string[]) =>
    run("bash", [name, ...args], { cwd: place().folder, env: { ...env, NODE_ENV: "" } });
  const configured = async (name: string) =>
    (
      await place().pulumi(["config", "get", "--stack", "staging", "--path", `safe-migration:connection.${name}`], env)
    ).stdout.trim();

  it("keys are made, a host is set up with them, and the update runs there", async () => {
    const settings = { database: { kind: "ec2" }, store: { kind: "s3" }, sample: { enabled: false } };
    await configure({
      "aws:region": "eu-west-1",
      ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [`safe-migration:${name}`, value])),
      "safe-migration:connection": { from: ["203.0.113.0/24"] },
    });
    const keys = await npm("keys", ["--stack", "staging"]);
    assert.equal(keys.exitCode, 0, all(keys));
    const pair = async (open: string, secret: string) => ({
      publicKey: await configured(open),
      privateKey: `${await configured(secret)}\n`,
    });
    estate.stacks = { name: "safe-migration", state: place().path("state") };
    await estate.add("staging", 50, await pair("hostKey", "hostPrivateKey"), await pair("publicKey", "privateKey"));
    const up = await estate.up("staging", {
      refreshFrom: { environment: "prod", store: estate.store("prod") },
    });
    assert.ok(up.ok, up.output);
    machine = estate.place("staging").machine;
  });

  it("its WAL and a base backup of it are in a folder of their own of the bucket; user data that runs again changes nothing", async () => {
    const info = () => machine.output("sudo -u postgres pgbackrest --output=json info");
    const archived = () =>
      machine.output(
        "sudo -u postgres psql -XAtc 'SELECT archived_count > 0, failed_count, last_archived_wal FROM pg_stat_archiver'",
      );
    const settings = "SELECT current_setting('shared_buffers'), current_setting('archive_mode')";
    assert.equal(await machine.output(`sudo -u pipeline psql -XAt -d postgres -c "${settings}"`), "256MB|on");
    await machine.output("until sudo -u postgres pgbackrest info | grep -q 'full backup'; do sleep 0.2; done");
    const [stanza] = JSON.parse(await info()) as { name: string; backup: { type: string; error: boolean }[] }[];
    assert.equal(stanza?.name, "staging");
    assert.deepEqual(
      stanza.backup.map(({ type, error }) => [type, error]),
      [["full", false]],
    );
    const wal = /^t\|0\|([0-9A-F]{24})/.exec(await archived())?.[1];
    const { Contents: objects = [] } = await estate.moto.s3.send(
      new ListObjectsV2Command({ Bucket: "safe-migration-backups", Prefix: "archive/archive/staging/" }),
    );
    assert.ok(objects.some(({ Key }) => wal !== undefined && Key?.includes(`/${wal}-`)));
    await machine.output("/usr/local/sbin/safe-migration-host");
    assert.equal((JSON.parse(await info()) as { backup: unknown[] }[])[0]?.backup.length, 1);
    const timers = await machine.output("systemctl list-timers --no-legend 'safe-migration-*' | wc -l");
    assert.equal(timers, "3");
    // The one that is made each night.
    await machine.output("systemctl start safe-migration-base-backup@diff.service");
    assert.match(await info(), /"type":"diff"/);
    const diagnosed = await npm("db:diagnose", ["--quick", "--json"], staging);
    const { looked, findings } = JSON.parse(diagnosed.stdout) as { looked: string[]; findings: { check: string }[] };
    assert.ok(looked.includes("base backups of the server"), all(diagnosed));
    assert.ok(!findings.some(({ check }) => /^(base-backups|archive)/.test(check)), all(diagnosed));
  });

  it("its timer measures what the last update asked for, as the pipeline's account, where node_exporter looks", async () => {
    const prom = "/var/lib/prometheus/node-exporter/safe-migration.prom";
    const unit = "safe-migration-measure";
    // Before an update has asked for something there is nothing to do.
    await machine.output(`systemctl start ${unit} && ! test -s ${prom}`);
    const bundle = `${hostPaths.bundles}/current`;
    const request: MeasureRequest = {
      environment: "staging",
      run: "run-1",
      database: hostDatabase(shop),
      project: { schema: `${bundle}/schema.prisma`, migrations: `${bundle}/migrations` },
      store: estate.store("staging"),
      disks: [hostPaths.data, "/"],
      textfile: hostPaths.metrics,
    };
    const kept = await machine.run(`runuser -u pipeline -- tee ${hostPaths.measureRequest}`, {
      stdin: JSON.stringify(request),
    });
    assert.equal(kept.exitCode, 0, all(kept));
    const started = await machine.run(`systemctl start ${unit} || journalctl -u ${unit}`);
    assert.equal(started.stdout, "");
    const text = await machine.output(`cat ${prom}`);
    assert.match(text, /^safe_migration_database_up\{environment="staging"\} 1$/m);
    assert.match(text, /^safe_migration_proved_backup_age_seconds\{environment="staging"\} \d+$/m);
    assert.match(text, /^safe_migration_archive_wait_seconds\{environment="staging"\} \d+$/m);
    assert.match(text, /^safe_migration_disk_size_bytes\{environment="staging",path="\/srv\/data"\} \d+$/m);
    assert.equal(await machine.output(`stat -L -c %U ${prom}`), "pipeline");
  });

  it("backup, status and health run there and answer here", async () => {
    const backup = await npm("db:backup", ["--json"], staging);
    assert.equal(backup.exitCode, 0, all(backup));
    const { location, environment } = JSON.parse(backup.stdout) as { location: string; environment: string };
    assert.equal(environment, "staging");
    assert.match(location, /^s3:/);
    const health = await npm("health:check", [], staging);
    assert.equal(health.exitCode, 0, all(health));
    assert.match(health.stdout, /healthy/);
  });

  it("the plan's script takes the migration that is checked out here, and the other one takes it back, with its down.sql", async () => {
    const noted = place().path("prisma/migrations/20260601000000_note");
    await place().addMigration("20260601000000_note", 'ALTER TABLE "orders" ADD COLUMN "note" TEXT;\n');
    await writeFile(join(noted, "down.sql"), 'ALTER TABLE "orders" DROP COLUMN "note";\n');
    const deployed = await script("scripts/safe-migration.sh", "staging");
    assert.equal(deployed.exitCode, 0, all(deployed));
    assert.match(
      deployed.stdout,
      /20260601000000_note +│ pending[^]*1 migration\(s\) pending[^]*completada exitosamente/,
    );
    const columns = `sudo -u pipeline psql -XAt -d ${shop.name} -c "SELECT count(*) FROM information_schema.columns WHERE column_name = 'note'"`;
    assert.equal(await machine.output(columns), "1");
    const integration = await npm("test:integration", [], staging);
    assert.equal(integration.exitCode, 0, all(integration));
    assert.match(integration.stdout, /staging: every migration .* is applied[^]*Order 1500[^]*\n3 passed, 0 failed\n$/);
    const back = await script("scripts/rollback-migration.sh", "staging", "--down", "1");
    assert.equal(back.exitCode, 0, all(back));
    assert.equal(await machine.output(columns), "0");
    const pending = await npm("test:integration", [], staging);
    assert.match(pending.stdout, /✗ staging: every migration .*: pending: 20260601000000_note\n[^]*1 passed, 2 failed/);
    assert.notEqual(pending.exitCode, 0);
  });

  it("status and resolve, which are Prisma's, look at and write the history there; a failure there is told as one here", async () => {
    const notFailed = await npm("prisma:migrate:resolve", ["--rolled-back", "20260601000000_note"], staging);
    assert.equal(notFailed.exitCode, 3, all(notFailed));
    assert.match(all(notFailed), /"20260601000000_note" has not failed; no migration has/);
    await place().addMigration("20260601000001_by_hand", "COMMENT ON TABLE \"orders\" IS 'Orders';\n");
    const resolved = await npm("prisma:migrate:resolve", ["--applied", "20260601000001_by_hand"], staging);
    assert.equal(resolved.exitCode, 0, all(resolved));
    const status = await npm("prisma:migrate:status", [], staging);
    assert.equal(status.exitCode, 0, all(status));
    assert.match(status.stdout, /20260601000000_note +│ pending[^]*20260601000001_by_hand +│ applied[^]*Drift: none/);
    await place().addMigration("20260602000000_drop", 'DROP TABLE "payments";\n');
    const refused = await npm("db:preflight", ["--json"], staging);
    assert.equal(refused.exitCode, 3, all(refused));
    assert.equal((JSON.parse(refused.stdout) as { error: { code: string } }).error.code, "RISK_NOT_APPROVED");
  });

  const query = (sql: string, database = shop.name) =>
    machine.output(`sudo -u pipeline psql -XAt -d ${database} -c "${sql}"`);
  const fingerprint = "SELECT count(*), sum(hashtextextended(p::text, 0)) FROM payments p";
  const begun = "ls -d /srv/data/pipeline/safe-migration-recovery-*/files/data/postmaster.pid";
  const left = "ls -d /srv/data/pipeline/safe-migration-* 2>/dev/null; pgrep -u pipeline postgres; true";
  let moment: string;
  let then: string;

  it("a moment that is not over, not kept, or has no time zone is refused before anything is touched", async () => {
    const tries: [string, number, RegExp][] = [
      ["2026-01-31T14:05:00", 2, /with its time zone/],
      ["2999-01-01T00:00:00Z", 3, /has not been yet/],
      ["2020-01-01T01:00:00+01:00", 3, /before what is kept: the oldest base backup/],
    ];
    for (const [at, code, message] of tries) {
      const refused = await npm("db:restore:checkpoint", ["--at", at], staging);
      assert.equal(refused.exitCode, code, all(refused));
      assert.match(all(refused), message);
    }
    await machine.output(
      "fallocate -l $(( $(df --output=avail -B1 /srv/data | tail -n 1) - 200000000 )) /srv/data/filler",
    );
    const over = await query("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SSZ')");
    const full = await npm("db:restore:checkpoint", ["--at", over.replace(" ", "T"), "--json"], staging);
    assert.equal(full.exitCode, 3, all(full));
    assert.match(full.stdout, /"DISK_SPACE".*recovering the server beside/);
    await machine.output("rm /srv/data/filler");
    assert.equal(await machine.output(left), "");
  });

  it("killed while the server is recovered beside, it leaves the database as it is, and no server behind", async () => {
    then = await query(fingerprint);
    moment = await query(
      "SELECT to_char(clock_timestamp(), 'YYYY-MM-DD\"T\"HH24:MI:SS.USOF:00')".replaceAll('"', '\\"'),
    );
    await query("DELETE FROM payments WHERE id IN (SELECT id FROM payments LIMIT 100); CREATE TABLE later (id int)");
    const killed = npm("db:restore:checkpoint", ["--at", moment], staging);
    await machine.output(`until ${begun} 2>/dev/null; do sleep 0.05; done; pkill -9 -u pipeline node`);
    assert.notEqual((await killed).exitCode, 0);
    await machine.output("while pgrep -u pipeline postgres; do sleep 0.05; done");
    assert.equal(await query("SELECT to_regclass('later') IS NOT NULL"), "t");
  });

  it("run again, it has the rows that were deleted since; what there was is told and kept, and nothing else is left", async () => {
    const restored = await npm("db:restore:checkpoint", ["--at", moment, "--json"], staging);
    assert.equal(restored.exitCode, 0, all(restored));
    const result = JSON.parse(restored.stdout) as Record<"kept" | "moment" | "at", string> & { differences: string[] };
    assert.equal(await query(fingerprint), then);
    assert.equal(await query("SELECT to_regclass('later') IS NULL"), "t");
    assert.equal(Date.parse(result.moment), Date.parse(moment));
    assert.ok(Date.parse(result.at) > Date.parse(moment));
    assert.match(result.differences.join(), /^public\.payments had \d+ rows and has \d+ \(100 fewer\)$/);
    assert.match(restored.stderr, /since .*: public\.payments had/);
    assert.equal(await query("SELECT to_regclass('later') IS NOT NULL", result.kept), "t");
    assert.equal(await query("SELECT count(*) FROM payments", result.kept), String(Number(then.split("|")[0]) - 100));
    assert.equal(await machine.output(left), "");
    const health = await npm("health:check", [], staging);
    assert.equal(health.exitCode, 0, all(health));
    const putBack = withEnvironment(estate.moto.env);
    const tried = await readTried(openStore(estate.store("staging")), "staging").finally(putBack);
    assert.equal(tried?.moment, result.moment);
  });

  const pm2 = (args: string) => machine.output(`cd /; sudo -H -u application pm2 ${args}`);

  it("a database that was dropped comes back with its application, from before the one that a restore put in its place", async () => {
    await query(`DROP DATABASE ${shop.name} WITH (FORCE)`, "postgres");
    await machine.output("echo 'setInterval(() => undefined, 1000)' >/home/application/app.js");
    await pm2("start /home/application/app.js --name happy-baby-style-backend");
    const recovering = async () => {
      const recovered = await npm("recover", ["--at", moment, "--json"], staging);
      assert.equal(recovered.exitCode, 0, all(recovered));
      return recoverResult.parse(JSON.parse(recovered.stdout));
    };
    const { steps, restored, moment: gone } = await recovering();
    const outcomes = (of: typeof steps) => of.map(({ step, outcome }) => `${step} ${outcome}`);
    assert.deepEqual(outcomes(steps), ["stop done", "restore done", "start done", "health done"]);
    assert.equal(restored?.kept, undefined);
    assert.equal(Date.parse(gone ?? ""), Date.parse(moment));
    assert.equal(await query(fingerprint), then);
    // A second time there is nothing to recover: what is in place is known by its fingerprints.
    const { steps: again } = await recovering();
    assert.deepEqual(outcomes(again), ["stop done", "restore already", "start done", "health done"]);
    await pm2("delete happy-baby-style-backend");
  });

  const intact = tooLargeToDump(
    { npm, configure, query, place, estate: () => estate, output: (command) => machine.output(command) },
    fingerprint,
  );

  it("recover stops the application under its own account's pm2, restores that backup, and starts it", async () => {
    const pm2 = (args: string) => machine.output(`cd /; sudo -H -u application pm2 ${args}`);
    await machine.output("echo 'setInterval(() => undefined, 1000)' >/home/application/app.js");
    await pm2("start /home/application/app.js --name happy-baby-style-backend");
    const pid = await pm2("pid happy-baby-style-backend");
    const recovered = await npm("recover", ["--json"], staging);
    assert.equal(recovered.exitCode, 0, all(recovered));
    const { steps, restored } = recoverResult.parse(JSON.parse(recovered.stdout));
    assert.deepEqual(
      steps.map(({ step, outcome }) => `${step} ${outcome}`),
      ["stop done", "restore done", "start done", "health done"],
    );
    const again = await pm2("pid happy-baby-style-backend");
    assert.ok(again !== "" && again !== pid, `${pid} ${again}`);
    await pm2("delete happy-baby-style-backend");
    assert.equal(await query(fingerprint), intact());
    const count = "SELECT count(*) + 50 FROM payments";
    assert.equal(await query(count, restored?.kept), intact().split("|")[0]);
  });

  it("staging:refresh gives it the data of prod's newest proved backup, with nobody of prod in it", async () => {
    const notNamed = await npm("staging:refresh");
    assert.equal(notNamed.exitCode, 3, all(notNamed));
    assert.match(all(notNamed), /pulumi config set --path refresh\.from prod --stack staging; npm run up/);
    await configure({ "safe-migration:refresh": { from: "dev" } });
    const notLet = await npm("staging:refresh");
    assert.match(all(notLet), /its host may not read those backups/);
    await configure({ "safe-migration:refresh": { from: "prod" } });
    const restoreEnvironment = withEnvironment(estate.moto.env);
    await backupOfProd(estate.store("prod"), shippedProject, { users: 40, orders: 100 }).finally(restoreEnvironment);
    const refreshed = await npm("staging:refresh", ["--json"]);
    assert.equal(refreshed.exitCode, 0, all(refreshed));
    const result = refreshResult.parse(JSON.parse(refreshed.stdout));
    assert.deepEqual(
      [result.source, result.backup, result.anonymised?.file],
      ["prod", "taken", "prisma/anonymise.sql"],
    );
    assert.ok(result.pending.includes("20260601000000_note"));
    const counted = "SELECT count(*), count(*) FILTER (WHERE email LIKE '%@anonymised.invalid') FROM user_profiles";
    const psql = (query: string) => machine.output(`sudo -u pipeline psql -XAt -d ${shop.name} -c "${query}"`);
    assert.equal(await psql(counted), "40|40");
    assert.equal(await psql("SHOW safe_migration.environment"), "staging");
    // The application gets in again as before, and what is pending is applied.
    const url = await machine.output("sed s/^DATABASE_URL=// /home/application/database.env");
    assert.equal((await machine.run('psql -XAt "$(cat)" -c "SELECT 1"', { stdin: url })).stdout.trim(), "1");
    const deployed = await npm("prisma:migrate:deploy", [], staging);
    assert.equal(deployed.exitCode, 0, all(deployed));
    const judged = await npm("db:verdict", ["--json"], staging);
    const { options } = verdictResult.parse(JSON.parse(judged.stdout));
    const before = options.find(({ action }) => action === "restoreMoment");
    assert.ok(before?.possible === true, all(judged));
    assert.match(before.command, /^NODE_ENV=staging npm run db:restore:checkpoint -- --at 20\S+Z$/);
  });

  it("a host that does not answer is told, with what to do", async () => {
    await machine.terminate();
    const gone = await npm("db:status", [], staging);
    assert.equal(gone.exitCode, 3, all(gone));
    assert.match(all(gone), /cannot be reached by SSH/);
  });
});
