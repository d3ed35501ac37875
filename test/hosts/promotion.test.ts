import assert from "node:assert/strict";
import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { unpackScript } from "../../components/userData/script.js";
import { type Estate, estateOrSkip, shop } from "../support/hosts/estate.js";
import { hostsOrSkip } from "../support/hosts/hosts.js";

interface Outputs {
  backup: { id: string; location: string; rows: number };
  applied: { name: string; restorePoint?: { name: string } }[];
  migrations: { name: string; checksum: string }[];
  health: { status: string; users: number; orders: number };
  identity: { systemIdentifier: string };
}

/**
 * Staging and prod on hosts of their own, set up by the real user data and reached by SSH, with the real engine and an S3 API.
 * Each step stands on the one before.
 */
describe("promotion on hosts", function () {
  this.timeout(300_000);
  this.bail(true);
  let estate: Estate;
  const names = ["staging", "prod"] as const;
  const first = {} as Record<(typeof names)[number], Outputs>;

  before(async function () {
    estate = await estateOrSkip(this, await hostsOrSkip(this), names);
  });
  after(() => estate?.stop());

  const up = async (name: string) => {
    const { ok, output, outputs } = await estate.up(name);
    assert.ok(ok, output);
    const values = Object.fromEntries(Object.entries(outputs).map(([key, { value }]) => [key, value as unknown]));
    return { ...(values as unknown as Outputs), output };
  };
  const sql = (name: string, query: string) =>
    estate.place(name).machine.output(`sudo -u pipeline psql -XAt -d ${shop.name} -c "${query}"`);

  it("user data is done, and the pipeline has backed up to S3, migrated and verified, on each host", async () => {
    await Promise.all(names.map(async (name) => (first[name] = await up(name))));
    for (const name of names) {
      const { health, applied, backup } = first[name];
      assert.equal(health.status, "healthy");
      assert.deepEqual([health.users, health.orders], [300, 1500]);
      assert.equal(applied.length, 2);
      assert.ok(backup.location.startsWith(`s3://`));
      const { Contents = [] } = await estate.moto.s3.send(
        new ListObjectsV2Command({ Bucket: "safe-migration-backups", Prefix: `${name}/${name}/${backup.id}/` }),
      );
      assert.ok(Contents.some(({ Key }) => Key?.endsWith("manifest.json")));
    }
    assert.notEqual(first.staging.identity.systemIdentifier, first.prod.identity.systemIdentifier);
  });

  it("a migration that fails in its second statement on staging is stopped in the rehearsal, before it is tried there", async () => {
    const name = "20260601000000_half";
    await estate.addMigration(name, "CREATE TABLE half (id int);\nINSERT INTO half VALUES ('x');\n");
    const { ok, output } = await estate.up("staging");
    assert.ok(!ok);
    assert.match(output, /20260601000000_half fails on the restored copy/);
    assert.equal(await sql("staging", "SELECT to_regclass('half') IS NULL"), "t");
    await estate.removeMigration(name);
  });

  it("one that fails in its second statement on staging alone, and not on the copy, leaves nothing, and says so", async () => {
    const name = "20260601000000_half";
    const onlyThere = "(CASE current_database() WHEN 'happy_baby_style' THEN 'x' ELSE '1' END)::int";
    await estate.addMigration(name, `CREATE TABLE half (id int);\nINSERT INTO half SELECT ${onlyThere};\n`);
    const { ok, output } = await estate.up("staging");
    assert.ok(!ok);
    assert.match(output, /20260601000000_half was rolled back whole/);
    assert.equal(await sql("staging", "SELECT to_regclass('half') IS NULL"), "t");
    await estate.removeMigration(name);
  });

  it("a dangerous one is refused on the host before anything is touched, with the command that approves it", async () => {
    const name = "20260602000000_drop_payments";
    await estate.addMigration(name, 'DROP TABLE "payments";\n');
    const { ok, output } = await estate.up("staging");
    assert.ok(!ok);
    assert.match(output, /Process exited with status 3: /);
    assert.match(output, /npm run approve -- --stack staging 20260602000000_drop_payments/);
    assert.equal(await sql("staging", "SELECT to_regclass('payments') IS NULL"), "f");
    await estate.removeMigration(name);
  });

  it("a good one goes to staging, and then, with the same checksums, to prod, whose host was replaced meanwhile", async () => {
    await estate.addMigration("20260603000000_note", 'ALTER TABLE "orders" ADD COLUMN "note" TEXT;\n');
    const before = await sql("prod", "SELECT count(*), sum(hashtextextended(o::text, 0)) FROM orders o");
    const [staging] = await Promise.all([up("staging"), estate.replaceMachine("prod")]);
    const prod = await up("prod");
    for (const { applied, health } of [staging, prod]) {
      assert.deepEqual(
        applied.map(({ name }) => name),
        ["20260603000000_note"],
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
    for (const name of names) {
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
  });
});
