import assert from "node:assert/strict";
import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import { unpackScript } from "../../components/userData/script.js";
import { type Estate, estateOrSkip, shop } from "../support/hosts/estate.js";
import { hostsOrSkip } from "../support/hosts/hosts.js";
import { authorityOnHost } from "../support/hosts/managedServer.js";
import { inSteps } from "../support/inSteps.js";
import { rows } from "../support/prismaProjects/apply.js";

interface Outputs {
  backup: { id: string; location: string; rows: number };
  applied: { name: string; restorePoint?: { name: string } }[];
  migrations: { name: string; checksum: string }[];
  health: { status: string; users: number; orders: number };
  identity: { systemIdentifier: string };
}

/**
 * The whole promotion, with the real engine and an S3 API: dev, whose database is on a managed server (TLS forced, password in a
 * secret) that a small host beside it reaches; staging and prod on hosts of their own. All are set up by the real user data and
 * reached by SSH. Each step stands on the one before.
 */
describe("promotion on hosts: dev, staging, prod", function () {
  this.timeout(300_000);
  inSteps(this);
  let estate: Estate;
  const names = ["dev", "staging", "prod"] as const;
  type Name = (typeof names)[number];
  const onHosts = ["staging", "prod"] as const;
  const promotedFrom: Readonly<Record<Name, string | undefined>> = { dev: undefined, staging: "dev", prod: "staging" };
  const first = {} as Record<Name, Outputs>;
  const phones = "20260604000000_phones";
  const two = "WHERE email IN ('cliente1@example.com', 'cliente2@example.com')";

  before(async function () {
    estate = await estateOrSkip(this, await hostsOrSkip(this), names);
  });
  after(() => estate?.stop());

  const attempt = (name: Name) => estate.up(name, { promotedFrom: promotedFrom[name] });
  const up = async (name: Name) => {
    const { ok, output, outputs } = await attempt(name);
    assert.ok(ok, output);
    const values = Object.fromEntries(Object.entries(outputs).map(([key, { value }]) => [key, value as unknown]));
    return { ...(values as unknown as Outputs), output };
  };
  const refused = async (name: Name, ...messages: readonly RegExp[]) => {
    const { ok, output } = await attempt(name);
    assert.ok(!ok, output);
    for (const message of messages) assert.match(output, message);
    return output;
  };
  const sql = async (name: Name, query: string) => {
    const { server, machine } = estate.place(name);
    if (server === undefined) return machine.output(`sudo -u pipeline psql -XAt -d ${shop.name} -c "${query}"`);
    const [row] = await rows<Record<string, string>>(server.superuser, query);
    return Object.values(row ?? {}).join("|");
  };

  it("prod before staging, and staging before dev, are refused before anything is touched", async () => {
    // One after the other: prod asks for the state of staging, which an update of staging writes.
    for (const name of onHosts) {
      await refused(
        name,
        /unknown stack "organization.hosts.(dev|staging)"|records no verified run/,
        /npm run up -- --stack (dev|staging)/,
      );
      assert.equal(
        await estate.place(name).machine.output("ls -A /var/lib/safe-migration/bundles 2>/dev/null | wc -l"),
        "0",
      );
    }
  });

  it("user data is done, and the pipeline has backed up to S3, migrated and verified, one after the other", async () => {
    for (const name of names) first[name] = await up(name);
    for (const name of names) {
      const { health, applied, backup, migrations } = first[name];
      assert.equal(health.status, "healthy");
      assert.deepEqual([health.users, health.orders], [300, 1500]);
      assert.equal(applied.length, 2);
      assert.deepEqual(migrations, first.dev.migrations);
      assert.ok(backup.location.startsWith(`s3://`));
      const { Contents = [] } = await estate.moto.s3.send(
        new ListObjectsV2Command({ Bucket: "safe-migration-backups", Prefix: `${name}/${name}/${backup.id}/` }),
      );
      assert.ok(Contents.some(({ Key }) => Key?.endsWith("manifest.json")));
    }
    assert.equal(new Set(names.map((name) => first[name].identity.systemIdentifier)).size, 3);
  });

  it("dev's server lets nobody in without TLS, nor by a certificate of another authority; the application by its secret", async () => {
    const { machine, server = assert.fail() } = estate.place("dev");
    const { host, port, name } = server.database;
    const { SecretString: text = "" } = await estate.moto.secrets.send(
      new GetSecretValueCommand({ SecretId: server.applicationSecret }),
    );
    const { username, password } = JSON.parse(text) as { username: string; password: string };
    assert.equal(username, shop.owner);
    const psql = (mode: string, authority: string) =>
      machine.run(
        `read -r PGPASSWORD; export PGPASSWORD; psql -XAtw "host=${host} port=${port} dbname=${name} user=${username} sslmode=${mode} sslrootcert=${authority}" -c "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"`,
        { stdin: `${password}\n` },
      );
    assert.equal((await psql("verify-full", authorityOnHost)).stdout.trim(), "t");
    assert.match((await psql("disable", authorityOnHost)).stderr, /no pg_hba.conf entry .*no encryption/);
    assert.match((await psql("verify-full", "/etc/ssl/certs/ca-certificates.crt")).stderr, /certificate verify failed/);
  });

  it("one that fails in its second statement on dev alone, and not on the copy, leaves nothing, and says so", async () => {
    const name = "20260601000000_half";
    const onlyThere = "(CASE current_database() WHEN 'happy_baby_style' THEN 'x' ELSE '1' END)::int";
    await estate.addMigration(name, `CREATE TABLE half (id int);\nINSERT INTO half SELECT ${onlyThere};\n`);
    await refused("dev", /20260601000000_half was rolled back whole/);
    assert.equal(await sql("dev", "SELECT to_regclass('half') IS NULL"), "true");
    await estate.removeMigration(name);
  });

  it("a dangerous one is refused on the host before anything is touched, with the command that approves it", async () => {
    const name = "20260602000000_drop_payments";
    await estate.addMigration(name, 'DROP TABLE "payments";\n');
    // By the gate of risk alone: dev, which lets it pass, would have it for good.
    const { ok, output } = await estate.up("staging");
    assert.ok(!ok);
    assert.match(output, /Process exited with status 3: /);
    assert.match(output, /npm run approve -- --stack staging 20260602000000_drop_payments/);
    assert.equal(await sql("staging", "SELECT to_regclass('payments') IS NULL"), "f");
    await estate.removeMigration(name);
  });

  it("one that dev's data takes and staging's does not stops in staging's rehearsal, and prod refuses it by name", async () => {
    await estate.addMigration("20260603000000_note", 'ALTER TABLE "orders" ADD COLUMN "note" TEXT;\n');
    await estate.addMigration(
      phones,
      `CREATE TABLE "phones" ("phone" VARCHAR(20) PRIMARY KEY);
INSERT INTO "phones" SELECT "phone" FROM "user_profiles" WHERE "phone" IS NOT NULL;
`,
    );
    // Two people of one household.
    await sql("staging", `UPDATE user_profiles SET phone = '+57 300' ${two}`);
    await up("dev");
    await refused("staging", /20260604000000_phones fails on the restored copy: .*duplicate key value/);
    assert.equal(
      await sql("staging", "SELECT count(*) FROM information_schema.columns WHERE column_name = 'note'"),
      "0",
    );
    const output = await refused(
      "prod",
      /"prod" takes only migrations that "staging" has proved; these are not:/,
      /20260603000000_note: staging has not verified it/,
      /20260604000000_phones: staging has not verified it/,
    );
    assert.doesNotMatch(output, /pipeline-preflight/);
  });

  it("once staging's data is mended they go through it, and with the same checksums to prod, whose host was replaced meanwhile", async () => {
    await sql("staging", `UPDATE user_profiles SET phone = NULL ${two}`);
    const before = await sql("prod", "SELECT count(*), sum(hashtextextended(o::text, 0)) FROM orders o");
    const [staging] = await Promise.all([up("staging"), estate.replaceMachine("prod")]);
    const prod = await up("prod");
    for (const { applied, health } of [staging, prod]) {
      assert.deepEqual(
        applied.map(({ name }) => name),
        ["20260603000000_note", phones],
      );
      assert.match(applied[0]?.restorePoint?.name ?? "", /^safe-migration:[^:]+:20260603000000_note$/);
      assert.deepEqual([health.status, health.orders], ["healthy", 1500]);
    }
    assert.deepEqual(prod.migrations, staging.migrations);
    // The data volume came along: the same cluster, and every row.
    assert.deepEqual(prod.identity, first.prod.identity);
    await sql("prod", "ALTER TABLE orders DROP COLUMN note");
    assert.equal(await sql("prod", "SELECT count(*), sum(hashtextextended(o::text, 0)) FROM orders o"), before);
    assert.match(prod.output, /command:remote:CopyToRemote runner-copy replaced/);
  });

  it("holds nothing that opens a door: in state, user data, arguments and what others can read on the host", async () => {
    for (const name of onHosts) {
      const { machine, hostKey, clientKey, userData } = estate.place(name);
      const url = await machine.output("cat /home/application/database.env");
      const password = /^DATABASE_URL=postgresql:\/\/[^:]+:([0-9a-f]{48})@/.exec(url)?.[1] ?? assert.fail(url);
      const middle = (key: string) => key.split("\n")[2] ?? "";
      const seen = [
        userData,
        unpackScript(userData),
        await estate.state(name),
        await machine.output("ps axww -o args"),
        await machine.output("cat /var/log/cloud-init-output.log /var/log/safe-migration/*.log"),
        await machine.output("cat /var/log/postgresql/*.log"),
      ];
      const secrets = [password, middle(hostKey.privateKey), middle(clientKey.privateKey), "secret/of+the/test"];
      for (const text of seen) {
        assert.ok(text.length > 100);
        for (const secret of secrets) assert.ok(secret.length > 10 && !text.includes(secret));
      }
      const modes = await machine.output(
        "stat -c '%a %U %n' /home/application/database.env /etc/ssh/ssh_host_ed25519_key /usr/local/sbin/safe-migration-host",
      );
      assert.deepEqual(
        modes.split("\n").map((line) => line.split(" ").slice(0, 2).join(" ")),
        ["600 application", "600 root", "700 root"],
      );
    }
    const { machine, server = assert.fail(), clientKey, userData } = estate.place("dev");
    const seen = [
      userData,
      await estate.state("dev"),
      await machine.output("ps axww -o args; cat /var/log/cloud-init-output.log /var/log/safe-migration/*.log"),
    ];
    for (const text of seen)
      for (const secret of [server.password, clientKey.privateKey.split("\n")[2] ?? assert.fail()])
        assert.ok(text.length > 100 && !text.includes(secret));
  });

  it("dev's host stops by itself once nothing of the pipeline has run on it for an hour, and not while anything does", async () => {
    const { machine } = estate.place("dev");
    assert.equal(await machine.output("systemctl is-active safe-migration-idle.timer"), "active");
    const later = "touch -d '2 hours ago' /run/safe-migration-idle; /usr/local/sbin/safe-migration-idle";
    await machine.output(`runuser -u pipeline -- sleep 60 >/dev/null 2>&1 & sleep 0.5; ${later}`);
    assert.equal(await machine.output("find /run/safe-migration-idle -mmin -5"), "/run/safe-migration-idle");
    await machine.output("pkill -u pipeline; while pgrep -u pipeline >/dev/null; do sleep 0.1; done");
    // The machine may be gone before the command has told its end.
    await machine.run(later).catch(() => undefined);
    await machine.ended();
  });
});
